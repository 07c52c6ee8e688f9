import Primitives
import TestSupport
import Testing

@Suite("JSON writer")
struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        String(decoding: JSONWriter.object(body), as: UTF8.self)
    }

    @Test("members stand in the order of the calls, with commas between them only")
    func order() {
        let written = text { object in
            object.member("z", "a")
            object.member("n", Int64(-5))
            object.member("yes", true)
            object.member("no", false)
            object.member("list", ["x", "y"])
            object.member("empty", [])
            object.member("inner") { inner in
                inner.member("first", "1")
                inner.member("deep") { _ in }
                inner.member("last", "2")
            }
            object.member("raw", json: "[1,2]".utf8)
            object.member("end", Int64.max)
        }
        #expect(
            written == #"{"z":"a","n":-5,"yes":true,"no":false,"list":["x","y"],"empty":[],"#
                + #""inner":{"first":"1","deep":{},"last":"2"},"raw":[1,2],"end":9223372036854775807}"#
        )
    }

    @Test("an object without members is {}")
    func empty() {
        #expect(text { _ in } == "{}")
    }

    @Test("nil is null, for text and for numbers")
    func null() {
        let written = text { object in
            object.member("text", nil as String?)
            object.member("number", nil as Int64?)
        }
        #expect(written == #"{"text":null,"number":null}"#)
    }

    @Test("quotes, backslashes and control characters are escaped, everything else is left as UTF-8")
    func escapes() {
        #expect(
            text { $0.member("a", "\"\\/\0\n\u{1F}\u{7F}é😀\u{2028}") }
                == "{\"a\":\"\\\"\\\\/\\u0000\\u000a\\u001f\u{7F}é😀\u{2028}\"}")
    }

    @Test("any text comes back through the reader", arguments: SeededGenerator.seeds)
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let (word, list) = (randomText(using: &generator), (0..<3).map { _ in randomText(using: &generator) })
            let number = Int64.random(in: .min ... .max, using: &generator)
            let written = JSONWriter.object { object in
                object.member("word", word)
                object.member("list", list)
                object.member("number", number)
            }
            let object = try #require(try JSONReader.read(written).objectValue)
            #expect(object["word"]?.stringValue.map { Array($0.utf8) } == Array(word.utf8))
            #expect(object["list"]?.arrayValue?.compactMap(\.stringValue) == list)
            #expect(object["number"] == .integer(number))
        }
    }

    @Test("every one of the first 65,536 scalars comes back through the reader")
    func allScalars() throws {
        let word = String(String.UnicodeScalarView((UInt32(0)...0xFFFF).compactMap(Unicode.Scalar.init)))
        let object = try JSONReader.read(JSONWriter.object { $0.member("word", word) }).objectValue
        #expect(object?["word"]?.stringValue.map { Array($0.utf8) } == Array(word.utf8))
    }
}

/// Up to 20 scalars, half of them ASCII.
private func randomText(using generator: inout SeededGenerator) -> String {
    var scalars = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0...20, using: &generator) {
        let range: ClosedRange<UInt32> = Bool.random(using: &generator) ? 0...0x7F : 0...0x10FFFF
        if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &generator)) { scalars.append(scalar) }
    }
    return String(scalars)
}
