import ArgumentParser
import Licensing
import Primitives
import SignetApp

struct LicenseUpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Changes what a license allows, what it is for, and how long.",
        discussion: "Its key and its installations stay. See first what would change with --dry-run.")

    @Argument(help: "The license key or id (lic_…).")
    var license: String

    @Option(help: "Move it to this product: what it does not choose itself it has from there then.")
    var product: String?

    @Option(help: "\"+365 days\" from today, YYYY-MM-DD (the last valid day, UTC) or never.")
    var expires: String?

    @Option(help: "The first valid day (UTC), YYYY-MM-DD, or now.")
    var notBefore: String?

    @Option(help: "The batch that it belongs to, or none.")
    var batch: String?

    @OptionGroup var update: UpdateOptions
    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        try update.requireSomething(besides: product, expires, notBefore, batch)
    }

    func run() async throws {
        let members = try update.members
        let body = JSONWriter.object { json in
            if let product { json.member("product", product) }
            if let expires { json.member("expires", expires) }
            if let notBefore { json.member("not_before", notBefore == "now" ? nil : notBefore) }
            if let batch { json.member("batch", batch == "none" ? nil : batch) }
            update.write(members, to: &json)
            change.write(to: &json)
        }
        let answer = try await options.withClient { client in
            let id = try await client.licenseID(license)
            return try await client.patch("/api/v1/licenses/\(id.urlSegment)", body).required()
        }
        guard !options.json, let object = answer.json.objectValue else { return Output.json(answer.body) }
        ChangePrinting.print(object, of: "License \(object.text("id") ?? "")")
        if object["recounted"] == .bool(true) { print("Its seats were counted anew: \(object.seats) are taken.") }
        if let until = object.text("over_limit_until") {
            print("More seats are taken than it has, \(object.seats); the newest are released at \(until).")
        }
        change.remind()
    }
}

/// What every command takes that changes a license or a product: choices of its policy, and under which conditions.
struct UpdateOptions: ParsableArguments {
    @OptionGroup(title: "Policy") var policy: PolicyOptions
    @OptionGroup var inherited: InheritOptions

    @Flag(help: "Count the seats anew where another policy counts in another way.")
    var recount = false

    @Option(name: .customLong("if-version"), help: "Only if the record still has this version.")
    var version: Int?

    /// The choices that were made or left open again. Throws `ValidationError` for both at once.
    var members: JSONObject { get throws { try inherited.members(over: policy) } }

    /// Throws `ValidationError` when nothing is to be changed, none of `others` either.
    func requireSomething(besides others: String?...) throws {
        guard try others.allSatisfy({ $0 == nil }) && members.members.isEmpty else { return }
        throw ValidationError("Say what to change, such as --max-activations 5.")
    }

    func write(_ members: JSONObject, to json: inout JSONWriter) {
        json.members(of: members)
        json.member("recount", recount)
        json.member("version", version.map(Int64.init))
    }
}

/// What a change changed.
enum ChangePrinting {
    /// `answer` has `changes` and `version`; `subject` begins the sentence.
    static func print(_ answer: JSONObject, of subject: String) {
        let changes = answer["changes"]?.arrayValue?.compactMap(\.objectValue) ?? []
        guard !changes.isEmpty else { return Swift.print("\(subject) is like this already; nothing was changed.") }
        Swift.print("\(subject), version \(answer.text("version") ?? "-")")
        Output.table(
            ["CHANGED", "FROM", "TO"],
            changes.map { [$0.text("member") ?? "-", text($0["from"], $0), text($0["to"], $0)] })
    }

    private static func text(_ value: JSONValue?, _ change: JSONObject) -> String {
        guard let value, value != .null else { return "-" }
        return change.text("member").flatMap(PolicyField.named)?.text(of: value) ?? value.stringValue
            ?? value.integerValue.map(String.init) ?? "-"
    }
}
