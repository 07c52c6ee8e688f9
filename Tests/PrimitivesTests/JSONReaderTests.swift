import Primitives
import TestSupport
import Testing

/// One text and whether RFC 8259 and RFC 7493 allow it. Where the two leave a choice, the stricter one is expected.
struct GrammarCase: CustomTestStringConvertible {
    let name: String
    let text: [UInt8]

    init(_ name: String, _ text: String) {
        self.name = name
        self.text = Array(text.utf8)
    }

    init(_ name: String, bytes: [UInt8]) {
        self.name = name
        text = bytes
    }

    var testDescription: String { name }

    /// `{"a":"…"}` around raw bytes.
    static func inString(_ name: String, _ bytes: [UInt8]) -> GrammarCase {
        GrammarCase(name, bytes: Array("{\"a\":\"".utf8) + bytes + Array("\"}".utf8))
    }
}

@Suite("JSON reader")
struct JSONReaderTests {
    @Test("a text of the grammar is read", arguments: accepted)
    func reads(row: GrammarCase) {
        #expect(throws: Never.self) { try JSONReader.read(row.text) }
    }

    @Test("a text outside the grammar is refused", arguments: refused)
    func refuses(row: GrammarCase) {
        #expect(throws: JSONReader.Failure.self) { try JSONReader.read(row.text) }
    }

    @Test("every beginning of a text is refused")
    func truncations() throws {
        let text = Array(#"{"a":[1,-2.5e+3,"x\u00e9\n",true,false,null,{"b":{}}]}"#.utf8)
        _ = try JSONReader.read(text)
        for count in 0..<text.count {
            #expect(throws: JSONReader.Failure.self, "\(count) bytes") { try JSONReader.read(text[..<count]) }
        }
    }

    @Test("any bytes are read or refused, and never end the process", arguments: SeededGenerator.seeds)
    func anyBytes(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array(#"{}[]",:\u0123456789eE+-. tfn"#.utf8) + [0x00, 0x80, 0xC3, 0xE2, 0xFF]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...24, using: &generator)
            let text = (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
            _ = try? JSONReader.read(text)
        }
    }

    private static let accepted: [GrammarCase] = [
        GrammarCase("empty object", "{}"),
        GrammarCase("empty array", "[]"),
        GrammarCase("white space of all four kinds", " \t\r\n{ \"a\" \t: [ 1 ,\r\n2 ] } \n"),
        GrammarCase("a lonely string", "\"a\""),
        GrammarCase("a lonely number", "42"),
        GrammarCase("a lonely true", "true"),
        GrammarCase("a lonely false", "false"),
        GrammarCase("a lonely null", " null "),
        GrammarCase("zero", "[0]"),
        GrammarCase("minus zero", "[-0]"),
        GrammarCase("fraction", "[0.5,-0.0,12.000]"),
        GrammarCase("exponents", "[1e5,1E5,1e+5,1e-5,0e0,1.5E-07]"),
        GrammarCase("a number over 64 bits", "[123456789012345678901234567890]"),
        GrammarCase("a huge exponent", "[1e999999]"),
        GrammarCase("all escapes", #"["\"\\\/\b\f\n\r\t\u0041"]"#),
        GrammarCase("a surrogate pair by escape", #"["\uD83D\uDE00"]"#),
        GrammarCase("the first and last pairs", #"["\uD800\uDC00\uDBFF\uDFFF"]"#),
        GrammarCase("hexadecimal digits in both cases", #"["\u00eE\uFfFf"]"#),
        GrammarCase("an escaped NUL", #"["\u0000"]"#),
        GrammarCase("a noncharacter", #"["\uFFFF"]"#),
        GrammarCase("DEL and C1 controls", "[\"\u{7F}\u{80}\u{9F}\"]"),
        GrammarCase("U+2028 and U+2029", "[\"\u{2028}\u{2029}\"]"),
        GrammarCase("raw UTF-8 of two, three and four bytes", "[\"é日😀\u{10FFFF}\"]"),
        GrammarCase("a raw byte order mark inside a string", "[\"\u{FEFF}\"]"),
        GrammarCase("an empty name", "{\"\":0}"),
        GrammarCase("names that differ in case", "{\"a\":1,\"A\":2}"),
        GrammarCase("the same name in two objects", "{\"a\":{\"b\":1},\"c\":{\"b\":2}}"),
        GrammarCase("names that differ by normalization only", "{\"\u{E9}\":1,\"e\u{301}\":2}"),
        GrammarCase("the Kelvin sign beside K", "{\"K\":1,\"\u{212A}\":2}"),
        GrammarCase("16 levels", String(repeating: "[", count: 16) + String(repeating: "]", count: 16)),
        GrammarCase("16 levels again and again", "[" + String(repeating: "[[]],", count: 99) + "[[]]]"),
        GrammarCase("256 members", object(ofMembers: 256)),
    ]

    private static let refused: [GrammarCase] = [
        GrammarCase("nothing", ""),
        GrammarCase("white space", " \n"),
        GrammarCase("a NUL", "\0"),
        GrammarCase("a byte order mark", bytes: [0xEF, 0xBB, 0xBF] + "{}".utf8),
        GrammarCase("UTF-16", bytes: [0x7B, 0x00, 0x7D, 0x00]),
        GrammarCase("a form feed as white space", "[\u{0C}1]"),
        GrammarCase("a vertical tab as white space", "[\u{0B}1]"),
        GrammarCase("a no-break space as white space", "[\u{A0}1]"),
        GrammarCase("a second value", "{} {}"),
        GrammarCase("a closing bracket too many", "[]]"),
        GrammarCase("a NUL after the value", "{}\0"),
        GrammarCase("a letter after the value", "1x"),
        GrammarCase("a comment", "[1/**/]"),
        GrammarCase("a line comment", "[1]//"),
        GrammarCase("an unclosed array", "[1"),
        GrammarCase("an unclosed object", "{\"a\":1"),
        GrammarCase("an unclosed string", "[\"a"),
        GrammarCase("brackets crossed", "[{]}"),
        GrammarCase("a trailing comma in an array", "[1,]"),
        GrammarCase("a trailing comma in an object", "{\"a\":1,}"),
        GrammarCase("a leading comma", "[,1]"),
        GrammarCase("two commas", "[1,,2]"),
        GrammarCase("no comma", "[1 2]"),
        GrammarCase("a colon in an array", "[1:2]"),
        GrammarCase("no colon", "{\"a\" 1}"),
        GrammarCase("two colons", "{\"a\"::1}"),
        GrammarCase("no value", "{\"a\":}"),
        GrammarCase("a name without quotes", "{a:1}"),
        GrammarCase("a number as a name", "{1:1}"),
        GrammarCase("null as a name", "{null:1}"),
        GrammarCase("single quotes", "['a']"),
        GrammarCase("True", "[True]"),
        GrammarCase("a truncated literal", "[nul]"),
        GrammarCase("a literal that goes on", "[nulll]"),
        GrammarCase("undefined", "[undefined]"),
        GrammarCase("NaN", "[NaN]"),
        GrammarCase("Infinity", "[Infinity]"),
        GrammarCase("minus Infinity", "[-Infinity]"),
        GrammarCase("a leading zero", "[01]"),
        GrammarCase("a leading zero after a sign", "[-01]"),
        GrammarCase("two zeros", "[00]"),
        GrammarCase("a plus sign", "[+1]"),
        GrammarCase("a sign alone", "[-]"),
        GrammarCase("two signs", "[--1]"),
        GrammarCase("a point first", "[.5]"),
        GrammarCase("a point last", "[1.]"),
        GrammarCase("a point before the exponent", "[1.e5]"),
        GrammarCase("two points", "[1.2.3]"),
        GrammarCase("an exponent without digits", "[1e]"),
        GrammarCase("a signed exponent without digits", "[1e+]"),
        GrammarCase("an exponent with a fraction", "[1e5.5]"),
        GrammarCase("hexadecimal", "[0x1]"),
        GrammarCase("an underscore", "[1_000]"),
        GrammarCase("full-width digits", "[\u{FF11}]"),
        GrammarCase("a space inside a number", "[1 .5]"),
        GrammarCase("a raw line feed in a string", "[\"\n\"]"),
        GrammarCase("a raw tab in a string", "[\"\t\"]"),
        GrammarCase("a raw NUL in a string", "[\"\0\"]"),
        GrammarCase("a raw control character in a name", "{\"\u{1F}\":1}"),
        GrammarCase("an unknown escape", #"["\x41"]"#),
        GrammarCase("an escaped quote of the wrong kind", #"["\'"]"#),
        GrammarCase("an upper-case escape", #"["\U0041"]"#),
        GrammarCase("an escaped line feed", "[\"\\\n\"]"),
        GrammarCase("three hexadecimal digits", #"["\u041"]"#),
        GrammarCase("a hexadecimal digit that is none", #"["\u00g1"]"#),
        GrammarCase("full-width hexadecimal digits", "[\"\\u\u{FF10}\u{FF10}\u{FF14}\u{FF11}\"]"),
        GrammarCase("braces in an escape", #"["\u{41}"]"#),
        GrammarCase("an escape at the end", "[\"\\"),
        GrammarCase("a lone high surrogate", #"["\uD800"]"#),
        GrammarCase("a lone low surrogate", #"["\uDC00"]"#),
        GrammarCase("surrogates reversed", #"["\uDC00\uD800"]"#),
        GrammarCase("two high surrogates", #"["\uD800\uD800"]"#),
        GrammarCase("a high surrogate before a letter", #"["\uD800\u0041"]"#),
        GrammarCase("a high surrogate before another escape", #"["\uD800\n"]"#),
        GrammarCase("a lone surrogate in a name", #"{"\uD800":1}"#),
        .inString("a lone continuation byte", [0x80]),
        .inString("a truncated sequence", [0xE2, 0x82]),
        .inString("an overlong slash", [0xC0, 0xAF]),
        .inString("an overlong NUL", [0xC0, 0x80]),
        .inString("an overlong sequence of three", [0xE0, 0x80, 0xAF]),
        .inString("an overlong sequence of four", [0xF0, 0x80, 0x80, 0xAF]),
        .inString("a surrogate in UTF-8", [0xED, 0xA0, 0x80]),
        .inString("a surrogate pair in UTF-8", [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80]),
        .inString("a code point over U+10FFFF", [0xF4, 0x90, 0x80, 0x80]),
        .inString("a sequence of five", [0xF8, 0x88, 0x80, 0x80, 0x80]),
        .inString("the byte FF", [0xFF]),
        .inString("Latin-1", [0xE9]),
        GrammarCase("invalid UTF-8 in a name", bytes: Array("{\"".utf8) + [0xFF] + Array("\":1}".utf8)),
        GrammarCase("invalid UTF-8 outside strings", bytes: [0xFF]),
        GrammarCase("a name twice", "{\"a\":1,\"a\":1}"),
        GrammarCase("a name twice, not side by side", "{\"a\":1,\"b\":2,\"a\":3}"),
        GrammarCase("a name twice, once in escapes", #"{"a":1,"\u0061":2}"#),
        GrammarCase("an empty name twice", "{\"\":1,\"\":2}"),
        GrammarCase("a name twice, deep inside", "[[{\"x\":{\"a\":1,\"a\":2}}]]"),
        GrammarCase("17 levels", String(repeating: "[", count: 17) + String(repeating: "]", count: 17)),
        GrammarCase("17 levels of objects", String(repeating: "{\"a\":", count: 17) + "1"),
        GrammarCase("10,000 levels", String(repeating: "[", count: 10_000)),
        GrammarCase("10,000 levels of both kinds", String(repeating: "[{\"a\":", count: 5_000)),
        GrammarCase("257 members", object(ofMembers: 257)),
    ]

    private static func object(ofMembers count: Int) -> String {
        "{" + (0..<count).map { "\"m\($0)\":\($0)" }.joined(separator: ",") + "}"
    }
}

@Suite("JSON values as read")
struct JSONReaderValueTests {
    private func read(_ text: String) throws -> JSONValue { try JSONReader.read(Array(text.utf8)) }

    private func failure(_ text: String) -> JSONReader.Failure? {
        do throws(JSONReader.Failure) {
            _ = try JSONReader.read(Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test("members keep their order and are found by name")
    func members() throws {
        let object = try #require(try read(#"{"b":1,"a":[true,null],"c":{"d":"e"}}"#).objectValue)
        #expect(object.members.map(\.name) == ["b", "a", "c"])
        #expect(object["a"] == .array([.bool(true), .null]))
        #expect(object["c"]?.objectValue?["d"]?.stringValue == "e")
        #expect(object["e"] == nil)
    }

    @Test("a name finds only the member of exactly its code points")
    func exactNames() throws {
        let object = try #require(try read("{\"e\u{301}\":1,\"\u{E9}\":2,\"\u{212A}\":3}").objectValue)
        #expect(object["\u{E9}"] == .integer(2))
        #expect(object["e\u{301}"] == .integer(1))
        #expect(object["K"] == nil)
    }

    @Test("what fits 64 bits without fraction or exponent is an integer, any other number stays as written")
    func numbers() throws {
        #expect(try read("9223372036854775807") == .integer(.max))
        #expect(try read("-9223372036854775808") == .integer(.min))
        #expect(try read("-0") == .integer(0))
        for text in ["9223372036854775808", "-9223372036854775809", "1.0", "1e0", "-0.0", "12E+3"] {
            #expect(try read(text) == .decimal(text))
            #expect(try read(text).integerValue == nil)
        }
    }

    @Test("escapes are the characters they stand for")
    func escapes() throws {
        #expect(try read(#""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00\u0000""#) == .string("\"\\/\u{8}\u{C}\n\r\té😀\0"))
    }

    @Test("a failure tells why and where")
    func failures() {
        for (text, reason, offset) in [
            ("  ", .empty, 2), ("[1,]", .syntax, 3), ("{} x", .trailingBytes, 3),
            (#"{"a":1,"a":2}"#, .duplicateMember("a"), 7),
        ] as [(String, JSONReader.Failure.Reason, Int)] {
            #expect(failure(text)?.reason == reason)
            #expect(failure(text)?.offset == offset)
        }
        #expect(failure(String(repeating: "[", count: 17))?.reason == .tooDeep)
        #expect(failure("{" + (0...256).map { "\"m\($0)\":0" }.joined(separator: ",") + "}")?.reason == .tooManyMembers)
    }

    @Test("a caller may allow fewer levels")
    func depth() throws {
        #expect(throws: JSONReader.Failure.self) { try JSONReader.read(Array("[[]]".utf8), depthMax: 1) }
        _ = try JSONReader.read(Array("[]".utf8), depthMax: 1)
        _ = try JSONReader.read(Array("0".utf8), depthMax: 0)
    }

    @Test("each value names its type")
    func typeNames() throws {
        let values = try #require(try read(#"[null,true,1,1.5,"",[],{}]"#).arrayValue)
        #expect(
            values.map(\.typeName) == ["null", "boolean", "number", "number", "string", "array", "object"]
        )
    }
}
