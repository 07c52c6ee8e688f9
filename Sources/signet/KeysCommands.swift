import ArgumentParser
import Foundation
import Primitives
import SignetApp

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Signing keys: what tokens are verified with.",
        subcommands: [
            KeysList.self, KeysRotate.self, KeysRevoke.self, KeysExport.self, KeysRoot.self, KeysGenerate.self,
            KeysDestroy.self, KeysSeal.self, KeysUnseal.self,
        ])
}

struct KeysList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists signing keys: the one that signs, those to come, those that were.")

    @Option(help: "Only those: next, current, verifying, retired or revoked.")
    var state: String?

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let query = [("state", state)].query
        let answer = try await options.withClient { try await $0.get("/api/v1/keys?\(query)").required() }
        KeysPrinting.print(answer, options)
    }
}

struct KeysRotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Sets when the next key takes over, and publishes the one after it.",
        discussion: """
            Without --at, the next key signs as soon as it has been published for the longest life of a token: until \
            then software may not know it. The old key verifies until nothing it signed can be alive, and is then \
            retired. Nothing has to run at that time.
            """)

    @Option(help: "When the next key takes over, YYYY-MM-DDTHH:MM:SSZ. (default: the first good moment)")
    var at: String?

    @Flag(help: "Also a key that was published too short a time ago; without --at, now.")
    var force = false

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object { json in
            json.member("at", at)
            json.member("force", force)
            change.write(to: &json)
        }
        let answer = try await options.withClient { try await $0.post("/api/v1/keys/rotate", body).required() }
        KeysPrinting.print(answer, options)
        change.remind()
    }
}

struct KeysRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Takes a compromised key back at once; the next one takes over.",
        discussion: "Give --reason. Then sign a new key set (keys root sign), so that software refuses the key too.")

    @Argument(help: "The key's id.")
    var kid: String

    @Flag(help: "Also when the key that takes over was published too short a time ago.")
    var force = false

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object { json in
            json.member("force", force)
            change.write(to: &json)
        }
        let answer = try await options.withClient {
            try await $0.post("/api/v1/keys/\(kid.urlSegment)/revoke", body).required()
        }
        KeysPrinting.print(answer, options)
        change.remind()
    }
}

struct KeysExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Prints the key set (JWKS) that installed software pins.")

    @Flag(help: "The set that the root signed, as software is served it.")
    var signed = false

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let path = signed ? "/api/v1/keys/root" : "/api/v1/keys/export"
        let answer = try await options.withClient { try await $0.get(path).required() }
        guard signed, !options.json else { return Output.json(answer.body) }
        print(answer.json.objectValue?.text("document") ?? "")
    }
}

struct KeysGenerate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Publishes one more key for later; keys rotate does this by itself.")

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object(change.write)
        let answer = try await options.withClient { try await $0.post("/api/v1/keys", body).required() }
        if options.json {
            Output.json(answer.body)
        } else if let key = answer.json.objectValue {
            Output.card([
                ("Key", key.text("kid")), ("State", key.text("state")), ("Published", key.text("published_at")),
            ])
        }
        change.remind()
    }
}

struct KeysDestroy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy", abstract: "Removes the private half of retired or revoked keys for good.")

    @Argument(help: "The key's id.")
    var kid: String?

    @Flag(help: "All keys that are retired or revoked.")
    var all = false

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object { json in
            json.member("kid", kid)
            json.member("all", all)
            change.write(to: &json)
        }
        let answer = try await options.withClient { try await $0.post("/api/v1/keys/destroy", body).required() }
        KeysPrinting.print(answer, options)
        change.remind()
    }
}

struct KeysSeal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal", abstract: "Seals the private files under the passphrase of keys-passphrase-file.")

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws { try await KeysPrinting.rewrite("sealed", "seal", change, options) }
}

struct KeysUnseal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unseal", abstract: "Writes the sealed private files in the open again.")

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws { try await KeysPrinting.rewrite("unsealed", "unseal", change, options) }
}

enum KeysPrinting {
    /// The table of keys, and what the operator should know.
    static func print(_ answer: OperatorClient.Answer, _ options: GlobalOptions) {
        guard !options.json else { return Output.json(answer.body) }
        let object = answer.json.objectValue
        let isMissing = (object?["data"]?.arrayValue ?? []).contains { $0.objectValue?.text("missing_on") != nil }
        let headings = ["KEY", "STATE", "PUBLISHED", "SIGNS FROM", "SIGNS UNTIL", "VERIFIES UNTIL"]
        Output.list(answer, headings + (isMissing ? ["MISSING ON"] : [])) { key in
            ["kid", "state", "published_at", "signs_from", "signs_until"].map { key.text($0) ?? "-" } + [end(of: key)]
                + (isMissing ? [key.text("missing_on") ?? "-"] : [])
        }
        if let set = object?["signed_key_set"]?.objectValue {
            Swift.print("\nSigned key set \(set.text("sequence") ?? "-"), until \(set.text("expires_at") ?? "-")")
        }
        for warning in object?["warnings"]?.arrayValue ?? [] {
            Output.complain(warning.objectValue?.text("message") ?? "")
        }
    }

    /// How long tokens of the key are good, or since when they are not.
    private static func end(of key: JSONObject) -> String {
        if let revoked = key.text("revoked_at") { return "revoked \(revoked)" }
        return key.text("verifies_until") ?? "-"
    }

    static func rewrite(
        _ member: String, _ command: String, _ change: ChangeOptions, _ options: GlobalOptions
    ) async throws {
        let body = JSONWriter.object(change.write)
        let answer = try await options.withClient { try await $0.post("/api/v1/keys/\(command)", body).required() }
        if options.json { return Output.json(answer.body) }
        let keys = answer.json.objectValue?.text(member)
        Output.complain(keys.map { "\(member): \($0)" } ?? "nothing to do: all files are \(member)")
        change.remind()
    }
}
