package import Primitives

/// A file of what another system says: JSON objects, one a line (docs/whmcs.md). It is read whole and checked whole
/// before anything of it is sent.
package struct ImportFile: Sendable {
    /// What the first line says the file is.
    package static let format = "signet-import"
    package static let version: Int64 = 1
    /// Bytes of a file that is read at all.
    package static let bytesMax = 1 << 30

    /// A line after the first.
    package struct Line: Sendable {
        /// From 1.
        package let number: Int
        package let record: ImportRecord
        /// As it was written, a product with the code of ours.
        package let json: JSONObject
        /// About how long `json` is.
        package let bytes: Int
    }

    /// What is wrong with a file.
    package struct Problem: Sendable, Equatable {
        /// Nil for what no line says.
        package let line: Int?
        package let text: String
    }

    /// All that is wrong with a file. Nothing of it was sent.
    package struct Unusable: Error, Sendable, Equatable {
        package let problems: [Problem]
    }

    /// See `WHMCSStanding.imported`.
    package let suspendAfterDays: Int?
    package let products: [Line]
    package let customers: [Line]
    package let licenses: [Line]

    /// Reads `bytes`. `codes`: of our products, by the number of those there.
    package init(_ bytes: [UInt8], from source: ImportSource, codes: [String: String]) throws(Unusable) {
        var reader = Reader(source: source, codes: codes)
        reader.read(bytes)
        guard reader.problems.isEmpty else { throw Unusable(problems: reader.problems.sorted()) }
        suspendAfterDays = reader.suspendAfterDays
        products = reader.lines.filter { $0.record.kind == .product }
        customers = reader.lines.filter { $0.record.kind == .customer }
        licenses = reader.lines.filter { $0.record.kind == .license }
    }

    /// Goes through a file once, and then over what it found.
    private struct Reader {
        let source: ImportSource
        let codes: [String: String]
        var problems: [Problem] = []
        var lines: [Line] = []
        var suspendAfterDays: Int?
        /// Lines by what they are about, and by the key of their license.
        private var known: [ImportKind: [String: Int]] = [:]
        private var keys: [String: Int] = [:]

        init(source: ImportSource, codes: [String: String]) {
            self.source = source
            self.codes = codes
        }

        mutating func read(_ bytes: [UInt8]) {
            var hasHeader = false
            let texts = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            for (index, text) in texts.enumerated() {
                guard text.contains(where: { !$0.isSpace }) else { continue }
                guard let object = object(text, line: index + 1) else {
                    hasHeader = true
                    continue
                }
                if hasHeader { take(object, line: index + 1) } else { takeHeader(object, line: index + 1) }
                hasHeader = true
            }
            if !hasHeader { refuse(nil, "the file is empty") }
            checkReferences()
        }

        private mutating func object(_ text: ArraySlice<UInt8>, line: Int) -> JSONObject? {
            do throws(JSONReader.Failure) {
                if let object = try JSONReader.read(text).objectValue { return object }
                refuse(line, "must be a JSON object")
            } catch {
                refuse(line, "is not JSON: \(error.reason) at byte \(error.offset)")
            }
            return nil
        }

        private mutating func takeHeader(_ object: JSONObject, line: Int) {
            guard object["format"] == .string(ImportFile.format), object["version"] == .integer(ImportFile.version)
            else {
                return refuse(
                    line, "must say \"format\": \"\(ImportFile.format)\", \"version\": \(ImportFile.version)")
            }
            guard object["source"] == .string(source.rawValue) else {
                return refuse(line, "source must be \(source.rawValue)")
            }
            switch object["suspend_after_days"] {
            case nil, .null: break
            case .integer(let days) where ImportBatch.suspendAfterDaysRange.contains(Int(days)):
                suspendAfterDays = Int(days)
            default:
                let range = ImportBatch.suspendAfterDaysRange
                refuse(line, "suspend_after_days must be \(range.lowerBound) to \(range.upperBound), or null")
            }
        }

        private mutating func take(_ object: JSONObject, line: Int) {
            do throws(InvalidInput) {
                let record = try ImportRecord(object)
                if let earlier = known[record.kind, default: [:]].updateValue(line, forKey: record.id) {
                    refuse(line, "\(record.kind.rawValue) \(record.id) is in line \(earlier) already")
                }
                check(record, line: line)
                lines.append(
                    Line(
                        number: line, record: record, json: coded(object, record),
                        bytes: JSONWriter.object { $0.member("line", value: .object(object)) }.count))
            } catch {
                for violation in error.violations { refuse(line, "\(violation.member) \(violation.reason)") }
            }
        }

        private mutating func check(_ record: ImportRecord, line: Int) {
            switch record {
            case .customer: break
            case .product(let product):
                if codes[product.id] == nil {
                    refuse(
                        line,
                        "product \(product.id) (\(product.name)) is none of ours yet; "
                            + "say --product-map \(product.id)=CODE")
                }
            case .license(let license):
                if let earlier = keys.updateValue(line, forKey: license.key.text) {
                    refuse(line, "the key is that of line \(earlier)")
                }
            }
        }

        /// The line with the code of our product.
        private func coded(_ object: JSONObject, _ record: ImportRecord) -> JSONObject {
            guard case .product(let product) = record, let code = codes[product.id] else { return object }
            var coded = object.without("code")
            _ = coded.append("code", .string(code))
            return coded
        }

        private mutating func checkReferences() {
            for line in lines {
                guard case .license(let license) = line.record else { continue }
                if known[.customer]?[license.customer] == nil {
                    refuse(line.number, "customer \(license.customer) is in no line")
                }
                if known[.product]?[license.product] == nil {
                    refuse(line.number, "product \(license.product) is in no line")
                }
            }
            for id in codes.keys where known[.product]?[id] == nil {
                refuse(nil, "--product-map names product \(id), which is in no line")
            }
        }

        private mutating func refuse(_ line: Int?, _ text: String) {
            problems.append(Problem(line: line, text: text))
        }
    }
}

extension ImportFile.Problem: Comparable, CustomStringConvertible {
    package static func < (left: Self, right: Self) -> Bool {
        (left.line ?? .max, left.text) < (right.line ?? .max, right.text)
    }

    package var description: String { (line.map { "line \($0): " } ?? "") + text }
}

extension UInt8 {
    fileprivate var isSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0D }
}
