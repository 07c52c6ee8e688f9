/// Writes rows of RFC 4180: fields quoted where they must be, lines ended by CR LF.
///
/// A text that a spreadsheet would take for a formula gets a `'` in front (ASVS 1.2.10): whoever names a domain must
/// not run something on the operator's desk.
package struct CSVWriter {
    package private(set) var bytes: [UInt8] = []

    private static let formulaStarts: Set<UInt8> = [
        UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 0x09, 0x0D, 0x00,
    ]
    private static let quoted: Set<UInt8> = [UInt8(ascii: "\""), UInt8(ascii: ","), 0x0A, 0x0D]

    package init() {}

    /// One line; nil is an empty field.
    package mutating func row(_ fields: [String?]) {
        for (position, field) in fields.enumerated() {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            append(field ?? "")
        }
        bytes += [0x0D, 0x0A]
    }

    private mutating func append(_ field: String) {
        var text = Array(field.utf8)
        if let first = text.first, Self.formulaStarts.contains(first) { text.insert(UInt8(ascii: "'"), at: 0) }
        guard text.contains(where: Self.quoted.contains) else {
            bytes += text
            return
        }
        bytes.append(UInt8(ascii: "\""))
        for byte in text {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
