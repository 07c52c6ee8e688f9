import ArgumentParser
import Foundation
import Licensing
import Logging
import Primitives
import SignetApp

/// What every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(help: "Directory of the database and the command line's socket. (default: data)")
    var data: String?

    @Option(help: "Directory of the secrets. (default: Keys)")
    var keys: String?

    @Option(help: "The database: sqlite:PATH or postgres://USER@HOST:PORT/NAME.")
    var database: String?

    @Option(help: "Configuration file. (default: Config/signet.yaml, if it is there)")
    var config: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    /// The settings for this command; `flags` are those that it has besides. Throws `CommandFailure`.
    func settings(_ flags: [String: String?] = [:]) throws -> Settings {
        let all = flags.merging(["data": data, "keys": keys, "database": database]) { own, _ in own }
        do {
            return try SettingsReader.read(
                flags: all.compactMapValues { $0 }, environment: ProcessInfo.processInfo.environment,
                configPath: config)
        } catch {
            throw CommandFailure(status: .usage, message: error.description)
        }
    }

    /// Runs `body` with a client of the application. Throws `CommandFailure` when there is none.
    func withClient<Value>(_ body: (OperatorClient) async throws -> Value) async throws -> Value {
        let settings = try settings()
        let client = try await OperatorClient.open(
            settings, command: "signet \(CommandLine.arguments.dropFirst().prefix(2).joined(separator: " "))",
            logger: Self.logger(.error))
        do {
            let value = try await body(client)
            try await client.close()
            return value
        } catch {
            try? await client.close()  // the first error is the one to tell
            throw error
        }
    }

    static func logger(_ level: Logger.Level) -> Logger {
        var logger = Logger(label: "signet") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        return logger
    }
}

/// What every command that changes something takes.
struct ChangeOptions: ParsableArguments {
    @Flag(help: "Try it, tell the result, and change nothing.")
    var dryRun = false

    @Option(help: "Why; recorded in the journal.")
    var reason: String?

    func write(to json: inout JSONWriter) {
        json.member("dry_run", dryRun)
        json.member("reason", reason)
    }

    /// Tells that nothing was changed, where that is so.
    func remind() {
        if dryRun { Output.complain("dry run: nothing was changed") }
    }
}

/// Which part of a list is printed.
struct PageOptions: ParsableArguments {
    @Option(help: "Which page, from 1.")
    var page = 1

    @Option(help: "Items on a page, 1 to 500.")
    var perPage = 50

    var query: String { "page=\(page)&per_page=\(perPage)" }
}

extension OperatorClient.Answer {
    /// The answer itself. Throws `CommandFailure` for a problem document.
    func required() throws -> Self {
        guard !isSuccess else { return self }
        throw CommandFailure(status: status(of: problemCode), message: problemText)
    }

    private var problemCode: String { json.objectValue?["code"]?.stringValue ?? "" }

    private func status(of code: String) -> ExitStatus {
        switch (status, code) {
        case (400, _), (_, "expiry_in_past"), (_, "end_before_beginning"), (_, "rotation_time"): .usage
        case (400..<500, _): .negative
        default: .unavailable
        }
    }

    /// How a member of the API is spelled on the command line.
    private static func option(of member: String) -> String {
        let special = [
            "license_key": "the license key", "code": "the product's code", "customer_id": "--customer",
            "ip_address": "--ip",
        ]
        let option = PolicyField.named(member)?.option ?? member.replacing("_", with: "-")
        return special[member] ?? "--" + option
    }

    private var problemText: String {
        let problem = json.objectValue
        let violations = problem?["violations"]?.arrayValue?.compactMap { violation -> String? in
            guard let object = violation.objectValue, let member = object["member"]?.stringValue,
                let reason = object["reason"]?.stringValue
            else { return nil }
            return "\(Self.option(of: member)) \(reason)"
        }
        let text = [problem?["title"]?.stringValue, problem?["detail"]?.stringValue].compactMap { $0 }
        return (text + (violations ?? [])).joined(separator: " ")
    }
}
