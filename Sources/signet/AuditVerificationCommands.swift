import ArgumentParser
import Primitives
import SignetApp

struct AuditVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks the journal's hash chain.",
        discussion: """
            Computes every seal again and compares. Exit status 0: nothing was changed, removed, added or moved since \
            it was sealed, a few seconds after it happened; 1: something was, and the first such event is named. With \
            an anchor that was kept elsewhere, also a journal that was cut short or sealed anew is found.
            """)

    @Option(help: "Number of the first event to check; the seal before it is taken as it is. (default: the first)")
    var from: Int?

    @Option(help: "SEQUENCE:HASH, as `audit anchor` printed it earlier.")
    var anchor: String?

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let result = try await options.withClient(verify)
        if options.json {
            Output.json(JSONWriter.object(result.write))
        } else {
            result.printed()
        }
        if result.flaw != nil { throw ExitCode(ExitStatus.negative.rawValue) }
    }

    /// Asks until the end of the journal or the first flaw: one answer covers a million events.
    private func verify(_ client: OperatorClient) async throws -> ChainResult {
        var result = ChainResult()
        var next = from.map(Int64.init)
        repeat {
            let query = [next.map { "from=\($0)" }, anchor.map { "anchor=\($0.urlSegment)" }].compactMap { $0 }
            let answer = try await client.get(
                "/api/v1/audit/verify?\(query.joined(separator: "&"))",
                timeoutSeconds: OperatorClient.longTimeoutSeconds
            ).required()
            guard let report = answer.json.objectValue else { break }
            result.take(report)
            next = report["next"]?.integerValue
        } while next != nil && result.flaw == nil
        return result
    }
}

struct AuditAnchor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "anchor", abstract: "Prints the end of the hash chain, to be kept on another machine.")

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let answer = try await options.withClient {
            try await $0.get("/api/v1/audit/anchor", timeoutSeconds: OperatorClient.longTimeoutSeconds).required()
        }
        if options.json { return Output.json(answer.body) }
        guard let anchor = answer.json.objectValue?.text("anchor") else {
            throw CommandFailure(status: .negative, message: "the journal has no events yet")
        }
        print(anchor)
    }
}

/// What the answers of one check say together.
private struct ChainResult {
    private(set) var flaw: JSONObject?
    private var checked: Int64 = 0
    private var head: String?
    private var unsealed: Int64 = 0

    mutating func take(_ report: JSONObject) {
        flaw = report["flaw"]?.objectValue
        checked += report["checked"]?.integerValue ?? 0
        head = report["head"]?.stringValue
        unsealed = report["unsealed"]?.integerValue ?? 0
    }

    func write(to json: inout JSONWriter) {
        json.member("sound", flaw == nil)
        if let flaw {
            json.member("flaw") { json in
                json.member("kind", flaw["kind"]?.stringValue)
                json.member("sequence", flaw["sequence"]?.integerValue)
                json.member("message", flaw["message"]?.stringValue)
            }
        } else {
            json.member("flaw", nil as String?)
        }
        json.member("checked", checked)
        json.member("head", head)
        json.member("unsealed", unsealed)
    }

    func printed() {
        Output.card([
            ("Journal", flaw?.text("message").map { "BROKEN: \($0)" } ?? "sound"), ("Checked", "\(checked) events"),
            ("Sealed to", head), ("Not sealed yet", unsealed == 0 ? nil : "\(unsealed) events"),
        ])
    }
}
