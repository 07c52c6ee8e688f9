package import Primitives

extension Timestamp {
    /// The first instant at which a license is valid, as an operator says it: a day, from its beginning in UTC, or an
    /// instant. Throws `InvalidInput` naming `member`.
    package init(beginning text: String, member: String) throws(InvalidInput) {
        guard let instant = CivilDate(text: text)?.start ?? Timestamp(text: text) else {
            throw InvalidInput(member, "must be YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ")
        }
        self = instant
    }
}
