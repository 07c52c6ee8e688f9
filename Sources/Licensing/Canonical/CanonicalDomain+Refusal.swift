extension CanonicalDomain {
    /// Why a text is no domain. The raw value is stable; the order says nothing.
    package enum Refusal: String, Error, CaseIterable, Sendable {
        case empty
        case inputTooLong
        case nameTooLong
        case labelTooLong
        case emptyLabel
        case badCharacter
        case badPort
        case hyphenPosition
        case malformedAddress
        case notIDNA

        /// The reason as a person reads it, after the name of the member or option that held the text.
        package var reason: String {
            switch self {
            case .empty: "holds no host name"
            case .inputTooLong: "is longer than \(CanonicalDomain.inputBytesMax) bytes"
            case .nameTooLong: "is a name of more than \(HostName.bytesMax) characters in its ASCII form"
            case .labelTooLong: "has a label of more than \(HostName.labelBytesMax) characters in its ASCII form"
            case .emptyLabel: "has an empty label (two dots in a row, or one in front)"
            case .badCharacter: "has a character that no host name has"
            case .badPort: "has a port that is not a number from 0 to 65535"
            case .hyphenPosition: "has a label that begins or ends with a hyphen"
            case .malformedAddress: "looks like an IP address but is none"
            case .notIDNA: "has a label that is no internationalized name (UTS 46, IDNA2008)"
            }
        }
    }
}
