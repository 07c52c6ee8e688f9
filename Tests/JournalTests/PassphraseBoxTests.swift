import Primitives
import Secrets
import TestSupport
import Testing

@Suite("A box under a passphrase")
struct PassphraseBoxTests {
    /// The least that a box may cost, so that many can be tried.
    private static let cheap = Argon2id.Cost(memoryKiB: PassphraseBox.memoryKiBRange.lowerBound, passes: 1)
    private static let context = "test: a secret"
    private let directory: TemporaryDirectory
    private let passphrase: Passphrase

    init() throws {
        directory = try TemporaryDirectory()
        passphrase = try Passphrase("correct horse battery staple")
    }

    private func sealed(_ content: [UInt8] = [1, 2, 3], cost: Argon2id.Cost = cheap) throws -> String {
        try PassphraseBox.seal(content, under: passphrase, context: Self.context, cost: cost)
    }

    private func open(_ text: String) throws -> [UInt8] {
        try PassphraseBox.open(text, under: passphrase, context: Self.context)
    }

    @Test("costs as published for Argon2id: libsodium's own vector (test/default/pwhash_argon2id.c)")
    func publishedVector() throws {
        let passphrase = bytes(
            "a347ae92bce9f80f6f595a4480fc9c2fe7e7d7148d371e9487d75f5c23008ffae065577a928febd9"
                + "b1973a5a95073acdbeb6a030cfc0d79caa2dc5cd011cef02c08da232d76d52dfbca38ca8dcbd665b"
                + "17d1665f7cf5fe59772ec909733b24de97d6f58d220b20c60d7c07ec1fd93c52c31020300c6c1fac"
                + "d77937a597c7a6")
        let key = Argon2id.key(
            of: passphrase, salt: bytes("5541fbc995d5c197ba290346d2c559de"),
            cost: Argon2id.Cost(memoryKiB: 7_256_678 / 1024, passes: 5), count: 155)
        let expected = bytes(
            "18acec5d6507739f203d1f5d9f1d862f7c2cdac4f19d2bdff64487e60d969e3ced615337b9eec6ac"
                + "4461c6ca07f0939741e57c24d0005c7ea171a0ee1e7348249d135b38f222e4dad7b9a033ed83f5ca"
                + "27277393e316582033c74affe2566a2bea47f91f0fd9fe49ece7e1f79f3ad6e9b23e0277c8ecc4b3"
                + "13225748dd2a80f5679534a0700e246a79a49b3f74eb89ec6205fe1eeb941c73b1fcf1")
        #expect(key == expected)
    }

    @Test("gives back what was put in, of any size", arguments: [0, 1, 32, 65_536])
    func roundTrip(count: Int) throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        #expect(try open(sealed(content)) == content)
    }

    @Test("costs 64 MiB and three passes unless told otherwise, and says so where a reader finds it")
    func standardCost() throws {
        let text = try PassphraseBox.seal([7], under: passphrase, context: Self.context)
        let header = try #require(Base64URL.decode(text.dropFirst("signet-sealed-1.".count))).prefix(8)
        #expect(Array(header) == [0, 1, 0, 0, 0, 0, 0, 3])
        #expect(try open(text) == [7])
        #expect(try open(text + "\n") == [7])
    }

    @Test("is another text each time, and the same with the same chance")
    func chance() throws {
        #expect(try sealed() != sealed())
        var (first, second) = (SeededGenerator(seed: 5), SeededGenerator(seed: 5))
        let texts = try [
            PassphraseBox.seal([1], under: passphrase, context: "x", cost: Self.cheap, using: &first),
            PassphraseBox.seal([1], under: passphrase, context: "x", cost: Self.cheap, using: &second),
        ]
        #expect(texts[0] == texts[1])
    }

    @Test("does not open under another passphrase or in another place")
    func strangers() throws {
        let text = try sealed()
        let other = try Passphrase("correct horse battery stapler")
        #expect(throws: PassphraseBox.Failure.notOpened) {
            try PassphraseBox.open(text, under: other, context: Self.context)
        }
        #expect(throws: PassphraseBox.Failure.notOpened) {
            try PassphraseBox.open(text, under: passphrase, context: "test: another secret")
        }
    }

    @Test("does not open when any symbol of it was changed or the end is missing")
    func altered() throws {
        let text = try sealed()
        let start = PassphraseBox.prefix.count + 1
        for position in 0..<text.count {
            var symbols = Array(text)
            symbols[position] = symbols[position] == "A" ? "B" : "A"
            let error = #expect(throws: PassphraseBox.Failure.self) { try open(String(symbols)) }
            if position < start { #expect(error == .malformed) }
        }
        for count in [0, 1, start, start + 10, text.count - 30, text.count - 4] {
            #expect(throws: PassphraseBox.Failure.self) { try open(String(text.prefix(count))) }
        }
        #expect(throws: PassphraseBox.Failure.malformed) { try open(text + "\n\n") }
        #expect(throws: PassphraseBox.Failure.malformed) { try open(" " + text) }
    }

    @Test(
        "that asks for more memory or time than we grant, or for hardly any, is refused before either is spent",
        arguments: [
            (.max, 3), (256 << 10 + 1, 3), (64 << 10, .max), (64 << 10, 11), (64 << 10, 0), (8 << 10 - 1, 3), (0, 0),
        ] as [(UInt32, UInt32)])
    func hostileCost(memoryKiB: UInt32, passes: UInt32) throws {
        let text = try sealed()
        let cost = Argon2id.Cost(memoryKiB: memoryKiB, passes: passes)
        let head = [memoryKiB, passes].flatMap { number in
            [24, 16, 8, 0].map { (shift: UInt32) in UInt8(truncatingIfNeeded: number >> shift) }
        }
        // Eight bytes are ten symbols and two thirds: the header is spelled with the first byte of the salt, zeros.
        let claimed = "signet-sealed-1." + Base64URL.encode(head + [0])
        let forged = claimed + text.dropFirst(claimed.count)
        #expect(throws: PassphraseBox.Failure.costRefused(cost)) { try open(forged) }
    }

    @Test("holds four megabytes and no more")
    func tooLarge() throws {
        let content = [UInt8](repeating: 1, count: PassphraseBox.contentBytesMax + 1)
        #expect(throws: PassphraseBox.Failure.tooLarge) { try sealed(content) }
        let text = PassphraseBox.prefix + "." + String(repeating: "A", count: PassphraseBox.contentBytesMax * 3 / 2)
        #expect(throws: PassphraseBox.Failure.tooLarge) { try open(text) }
    }

    // MARK: - Passphrases

    @Test("takes a passphrase from a file of one line, for its owner alone")
    func passphraseFile() throws {
        for end in ["", "\n", "\r\n"] {
            try directory.write("correct horse battery staple" + end, to: "passphrase")
            let read = try Passphrase(fileAt: directory.path(of: "passphrase"))
            #expect(try PassphraseBox.open(sealed(), under: read, context: Self.context) == [1, 2, 3])
        }
    }

    @Test(
        "refuses a passphrase that is too short, too long or not one line",
        arguments: ["", "1234567", String(repeating: "a", count: 257), "two lines\nof text", "eight\u{0}zero"])
    func badPassphrase(text: String) throws {
        #expect(throws: Passphrase.Failure.self) { try Passphrase(text) }
        try directory.write(text, to: "passphrase")
        #expect(throws: Passphrase.Failure.self) { try Passphrase(fileAt: directory.path(of: "passphrase")) }
    }

    @Test("takes passphrases of 8 to 256 characters, of any alphabet")
    func goodPassphrase() throws {
        for text in ["12345678", String(repeating: "é", count: 256), "  spaces count  ", "пароль-пароль"] {
            _ = try Passphrase(text)
        }
    }

    @Test("refuses a passphrase file that others may read, that is missing, or that is no text")
    func badFile() throws {
        let path = directory.path(of: "passphrase")
        #expect(throws: Passphrase.Failure.unreadable(path: path, reason: "No such file or directory")) {
            try Passphrase(fileAt: path)
        }
        try directory.write("correct horse battery staple", to: "passphrase", permissions: 0o640)
        #expect(throws: Passphrase.Failure.readableByOthers(path: path)) { try Passphrase(fileAt: path) }
        try directory.write(String(repeating: "a", count: 1 << 20), to: "passphrase")
        #expect(throws: Passphrase.Failure.length) { try Passphrase(fileAt: path) }
    }

    @Test("shows its passphrase nowhere")
    func silence() throws {
        var dumped = ""
        dump(["passphrase": passphrase], to: &dumped)
        for text in ["\(passphrase)", String(reflecting: passphrase), dumped] {
            #expect(!text.contains("horse"))
            #expect(!text.contains("99, 111"))
        }
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.compactMap(\.hexDigitValue).map(UInt8.init)
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
