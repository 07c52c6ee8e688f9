import Foundation
import Primitives

extension String {
    /// The text as one segment or value of a URL.
    var urlSegment: String {
        addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-._~"))) ?? ""
    }
}

extension [(String, String?)] {
    /// Those that were given, as the beginning of a query: `status=active&product=whm-panel&`.
    var query: String { compactMap { name, value in value.map { "\(name)=\($0.urlSegment)&" } }.joined() }
}

extension JSONWriter {
    /// A list given as text separated by commas; left out when not given.
    mutating func member(_ name: StaticString, list text: String?) {
        guard let text else { return }
        let parts = text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false)
        member(name, parts.map { $0.trimmingCharacters(in: .whitespaces) })
    }
}
