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

    @OptionGroup(title: "Policy") var policy: PolicyOptions
    @OptionGroup var inherited: InheritOptions
    @OptionGroup var conditions: UpdateOptions
    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        let others = [product, expires, notBefore, batch].allSatisfy { $0 == nil }
        if others, try inherited.members(over: policy).members.isEmpty {
            throw ValidationError("Say what to change, such as --max-activations 5.")
        }
    }

    func run() async throws {
        let members = try inherited.members(over: policy)
        let body = JSONWriter.object { json in
            if let product { json.member("product", product) }
            if let expires { json.member("expires", expires) }
            if let notBefore { json.member("not_before", notBefore == "now" ? nil : notBefore) }
            if let batch { json.member("batch", batch == "none" ? nil : batch) }
            json.members(of: members)
            conditions.write(to: &json)
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

/// Under which conditions a record is changed.
struct UpdateOptions: ParsableArguments {
    @Flag(help: "Count the seats anew where another policy counts in another way.")
    var recount = false

    @Option(name: .customLong("if-version"), help: "Only if the record still has this version.")
    var version: Int?

    func write(to json: inout JSONWriter) {
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
