import Secrets
import SignetApp
import TestSupport
import Testing

@Suite("The passphrase of the signing keys")
struct KeysPassphraseTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func read(flags: [String: String] = [:], _ environment: [String: String] = [:]) throws -> Settings {
        try directory.write("", to: "empty.yaml")
        return try SettingsReader.read(
            flags: flags, environment: environment, configPath: directory.path(of: "empty.yaml"))
    }

    @Test("comes from the file that the settings name, or from the environment")
    func sources() throws {
        try directory.write("correct horse battery staple\n", to: "passphrase")
        let path = directory.path(of: "passphrase")
        let fromFile = try read(flags: ["keys-passphrase-file": path]).keysPassphrase
        #expect(fromFile != nil)
        #expect(try read(["SIGNET_KEYS_PASSPHRASE_FILE": path]).keysPassphrase == fromFile)
        #expect(try read(["SIGNET_KEYS_PASSPHRASE": "correct horse battery staple"]).keysPassphrase == fromFile)
        #expect(try read(["SIGNET_KEYS_PASSPHRASE": "another passphrase"]).keysPassphrase != fromFile)
        #expect(try read().keysPassphrase == nil)
    }

    @Test("stops the start when it is missing, short or readable by others, and shows nowhere")
    func refused() throws {
        let path = directory.path(of: "passphrase")
        #expect(throws: SettingsError.self) { try read(flags: ["keys-passphrase-file": path]) }
        try directory.write("correct horse battery staple\n", to: "passphrase", permissions: 0o644)
        let error = #expect(throws: SettingsError.self) { try read(flags: ["keys-passphrase-file": path]) }
        #expect(error?.description.contains("keys-passphrase-file") == true)
        #expect(error?.description.contains(path) == true)
        let short = #expect(throws: SettingsError.self) { try read(["SIGNET_KEYS_PASSPHRASE": "secret"]) }
        #expect(short?.description.contains("SIGNET_KEYS_PASSPHRASE") == true)
        #expect(short?.description.contains("secret") == false)
        let settings = try read(["SIGNET_KEYS_PASSPHRASE": "correct horse battery staple"])
        #expect(!"\(settings)".contains("horse"))
    }
}
