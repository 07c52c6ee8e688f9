import ArgumentParser
import Primitives
import SignetApp

struct LicenseShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a license: its state, seats, installations and policy.")

    @Argument(help: "The license key or id (lic_…).")
    var license: String

    @Flag(help: "Tell the keys that open it again; recorded in the journal.")
    var reveal = false

    @Option(help: "With --reveal: why; recorded in the journal.")
    var reason: String?

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if reason != nil, !reveal { throw ValidationError("--reason is for --reveal: nothing else is recorded.") }
    }

    func run() async throws {
        let body = JSONWriter.object { $0.member("reason", reason) }
        let (answer, keys) = try await options.withClient {
            client async throws -> (OperatorClient.Answer, OperatorClient.Answer?) in
            let answer = try await client.license(license)
            guard reveal, let id = answer.json.objectValue?.text("id") else { return (answer, nil) }
            return (answer, try await client.post("/api/v1/licenses/\(id.urlSegment)/reveal", body).required())
        }
        // One JSON document a command: the one that was asked for.
        if let keys, options.json { return Output.json(keys.body) }
        LicensePrinting.print(answer, keys: keys, options)
    }
}

/// A license as people read it.
enum LicensePrinting {
    /// `keys`: those that were told again.
    static func print(
        _ answer: OperatorClient.Answer, keys: OperatorClient.Answer? = nil, _ options: GlobalOptions
    ) {
        guard !options.json, let license = answer.json.objectValue else { return Output.json(answer.body) }
        let card = LicenseCard(license, at: SystemWallClock().now(), style: Output.isColored ? .colored : .plain)
        Swift.print(card.text, terminator: "")
        KeyPrinting.print(((keys?.json.objectValue ?? license)["keys"]?.arrayValue ?? []).compactMap(\.objectValue))
    }
}
