import Hummingbird

/// One filter of a list: a query parameter, and the condition that its text stands for. A list has a table of them.
struct ListFilter<Condition: Sendable>: Sendable {
    let name: String
    /// Throws what the sender should learn of a text that stands for no condition.
    let condition: @Sendable (OperatorAPI, String) async throws -> Condition

    init(_ name: String, _ condition: @escaping @Sendable (OperatorAPI, String) async throws -> Condition) {
        self.name = name
        self.condition = condition
    }

    /// A filter whose text `parse` turns into a condition; `reason` says what would be accepted.
    init(_ name: String, _ reason: String, _ parse: @escaping @Sendable (String) -> Condition?) {
        self.init(name) { _, text in
            guard let condition = parse(text) else { throw InvalidParameter.problem(name, reason) }
            return condition
        }
    }
}

extension OperatorAPI {
    /// The conditions that the query asks for, and their spelling in links.
    func conditions<Condition>(
        _ filters: [ListFilter<Condition>], of request: Request
    ) async throws -> (conditions: [Condition], query: String) {
        var conditions: [Condition] = []
        var query = ""
        for filter in filters {
            guard let text = try request.parameter(filter.name) else { continue }
            conditions.append(try await filter.condition(self, text))
            query += "\(filter.name)=\(text.percentEncoded)&"
        }
        return (conditions, query)
    }
}

extension String {
    /// The text as a value of a query: only unreserved characters (RFC 3986 §2.3) stand for themselves.
    fileprivate var percentEncoded: String {
        let digits = Array("0123456789ABCDEF".utf8)
        let bytes = utf8.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                [byte]
            case _ where "-._~".utf8.contains(byte): [byte]
            default: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
