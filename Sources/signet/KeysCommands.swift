import ArgumentParser
import Primitives
import SignetApp

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Signing keys: what tokens are verified with.",
        subcommands: [KeysGenerate.self, KeysList.self, KeysExport.self])
}

struct KeysGenerate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Makes a further signing key and publishes it as one that will sign.")

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object(change.write)
        let answer = try await options.withClient { try await $0.post("/api/v1/keys", body).required() }
        if options.json {
            Output.json(answer.body)
        } else if let key = answer.json.objectValue {
            Output.card([("Key", key.text("kid")), ("State", key.text("state")), ("Created", key.text("created_at"))])
        }
        change.remind()
    }
}

struct KeysList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists signing keys.")

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let answer = try await options.withClient { try await $0.get("/api/v1/keys").required() }
        if options.json { return Output.json(answer.body) }
        Output.list(answer, ["KEY", "STATE", "CREATED"]) { key in
            ["kid", "state", "created_at"].map { key.text($0) ?? "-" }
        }
    }
}

struct KeysExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Prints the key set (JWKS) that installed software pins.")

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let answer = try await options.withClient { try await $0.get("/api/v1/keys/export").required() }
        Output.json(answer.body)
    }
}
