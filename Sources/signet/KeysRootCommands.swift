import ArgumentParser
import Foundation
import LicenseToken
import Primitives
import Secrets
import SignetApp

struct KeysRoot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "root", abstract: "The root key, which signs key sets and is kept where no server runs.",
        subcommands: [
            KeysRootCreate.self, KeysRootShow.self, KeysRootSign.self, KeysRootRequest.self, KeysRootPublish.self,
        ])
}

/// The file of a root key.
struct RootFile: ParsableArguments {
    /// What a root's box is for: a sealed file of another kind is no root.
    private static let context = "signet root key"

    @Option(help: "File with the passphrase. (default: SIGNET_ROOT_PASSPHRASE, or asked at the terminal)")
    var passphraseFile: String?

    /// The root in the file at `path`. Throws `CommandFailure`.
    func open(_ path: String) throws -> SigningKey {
        guard let text = FileManager.default.contents(atPath: path).map({ String(decoding: $0, as: UTF8.self) }) else {
            throw CommandFailure(status: .usage, message: "the root file \(path) cannot be read")
        }
        do {
            let seed = try PassphraseBox.open(text, under: passphrase(isNew: false), context: Self.context)
            return try SigningKey(seed: seed)
        } catch let failure as PassphraseBox.Failure {
            throw CommandFailure(status: .unavailable, message: "cannot open the root file \(path): \(failure)")
        }
    }

    /// Seals `root` into a new file at `path`. Throws `CommandFailure`; never replaces a file.
    func create(_ root: SigningKey, at path: String) throws {
        let line = try PassphraseBox.seal(root.seed, under: passphrase(isNew: true), context: Self.context) + "\n"
        let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure(status: .usage, message: "cannot create \(path): \(String(cString: strerror(errno)))")
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try file.write(contentsOf: Data(line.utf8))
        try file.synchronize()
    }

    private func passphrase(isNew: Bool) throws -> Passphrase {
        try PassphraseInput(
            prompt: "Passphrase of the root key", variable: "SIGNET_ROOT_PASSPHRASE", file: passphraseFile
        ).read(isNew: isNew)
    }
}

struct KeysRootCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes a root key in a sealed file, and prints its public half to pin.")

    @Option(help: "The file to make, on a medium that no server reads.")
    var output: String

    @OptionGroup var file: RootFile
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let keys = URL(fileURLWithPath: try options.settings().keys).resolvingSymlinksInPath()
        let folder = URL(fileURLWithPath: output).deletingLastPathComponent().resolvingSymlinksInPath()
        guard !(folder.path + "/").hasPrefix(keys.path + "/") else {
            throw CommandFailure(
                status: .usage, message: "a root never lies beside the keys of a server; keep it on a medium of its own"
            )
        }
        let root = SigningKey()
        try file.create(root, at: output)
        Output.json(JSONWebKeySet.jwk(root.publicRecord))
    }
}

struct KeysRootShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Prints the root's public JWK, which software pins.")

    @Option(help: "The root's file. (default: what the server knows from the last signed set)")
    var root: String?

    @OptionGroup var file: RootFile
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        if let root { return Output.json(JSONWebKeySet.jwk(try file.open(root).publicRecord)) }
        let answer = try await options.withClient { try await $0.get("/api/v1/keys/root").required() }
        guard let jwk = answer.json.objectValue?["root"]?.objectValue, let x = jwk.text("x").flatMap(Base64URL.decode)
        else { throw CommandFailure(status: .unavailable, message: "the server told no root") }
        Output.json(JSONWebKeySet.jwk(PublicKeyRecord(keyID: jwk.text("kid") ?? "", publicKey: x)))
    }
}

struct KeysRootRequest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request", abstract: "Prints what the root is to sign, to be carried to where the root is.")

    @Option(help: "Days for which the set is accepted, 1 to 400. (default: 180)")
    var days: Int?

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let answer = try await options.withClient { try await $0.get(Self.path(days: days)).required() }
        Output.json(answer.body)
    }

    static func path(days: Int?) -> String { "/api/v1/keys/root/request" + (days.map { "?days=\($0)" } ?? "") }
}

struct KeysRootSign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Signs a key set over what the server publishes, and publishes it.",
        discussion: """
            With --request FILE (made by keys root request) it needs no server: what it prints is carried back and \
            given to keys root publish.
            """)

    @Option(help: "The root's file.")
    var root: String

    @Option(help: "Days for which the set is accepted, 1 to 400. (default: 180)")
    var days: Int?

    @Option(help: "A request made elsewhere: sign it and print the result.")
    var request: String?

    @Flag(help: "Replace the root of earlier sets: software that pins that one accepts nothing of this one.")
    var replaceRoot = false

    @OptionGroup var file: RootFile
    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        if let request {
            guard let data = FileManager.default.contents(atPath: request) else {
                throw CommandFailure(status: .usage, message: "the request \(request) cannot be read")
            }
            return Output.json(try signed([UInt8](data)).json)
        }
        try await options.withClient { client in
            let claims = try await client.get(KeysRootRequest.path(days: days)).required().body
            let answer = try await signed(claims).publish(by: client, replacesRoot: replaceRoot, change)
            KeysRootPublish.print(answer, options)
        }
        change.remind()
    }

    private func signed(_ request: [UInt8]) throws -> SignedRequest {
        let claims: KeySetClaims
        do {
            claims = try KeySetClaims(json: request)
        } catch {
            throw CommandFailure(status: .usage, message: "this is no request for a key set: \(error.reason)")
        }
        let key = try file.open(root)
        Output.complain(
            "signing key set \(claims.sequence) of \(claims.issuer): keys \(claims.keys.map(\.keyID)), revoked "
                + "\(claims.revoked.map(\.keyID)), until \(Timestamp(seconds: claims.expiresAt))")
        return SignedRequest(
            root: Base64URL.encode(key.publicKey), document: try KeySetSigner(root: key).sign(claims))
    }
}

struct KeysRootPublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publishes a key set that was signed elsewhere.")

    @Argument(help: "What keys root sign --request printed, in a file.")
    var signed: String

    @Flag(help: "Replace the root of earlier sets: software that pins that one accepts nothing of this one.")
    var replaceRoot = false

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        guard let data = FileManager.default.contents(atPath: signed), let set = SignedRequest([UInt8](data)) else {
            throw CommandFailure(status: .usage, message: "\(signed) is not what keys root sign printed")
        }
        let answer = try await options.withClient {
            try await set.publish(by: $0, replacesRoot: replaceRoot, change)
        }
        Self.print(answer, options)
        change.remind()
    }

    static func print(_ answer: OperatorClient.Answer, _ options: GlobalOptions) {
        guard !options.json, let set = answer.json.objectValue else { return Output.json(answer.body) }
        Output.card([
            ("Signed key set", set.text("sequence")), ("Root", set["root"]?.objectValue?.text("kid")),
            ("Accepted until", set.text("expires_at")),
        ])
    }
}

/// A signed key set on its way to the server.
struct SignedRequest {
    /// `x` of the root.
    let root: String
    let document: String

    init(root: String, document: String) {
        self.root = root
        self.document = document
    }

    /// From the JSON that `keys root sign` prints; nil for anything else.
    init?(_ json: [UInt8]) {
        let value = try? JSONReader.read(json)  // whatever is wrong with it, it is nothing that was printed here
        guard let root = value?.objectValue?.text("root"), let document = value?.objectValue?.text("document")
        else { return nil }
        self.init(root: root, document: document)
    }

    var json: [UInt8] {
        JSONWriter.object { json in
            json.member("root", root)
            json.member("document", document)
        }
    }

    func publish(
        by client: OperatorClient, replacesRoot: Bool, _ change: ChangeOptions
    ) async throws -> OperatorClient.Answer {
        let body = JSONWriter.object { json in
            json.member("root", root)
            json.member("document", document)
            json.member("replace_root", replacesRoot)
            change.write(to: &json)
        }
        return try await client.post("/api/v1/keys/root/publish", body).required()
    }
}
