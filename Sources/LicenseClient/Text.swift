extension String {
    /// Without the white space around it.
    var trimmed: String {
        let isSpace: (Unicode.Scalar) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" }
        let scalars = unicodeScalars.drop(while: isSpace)
        let kept = scalars.reversed().drop(while: isSpace).count
        return String(String.UnicodeScalarView(scalars.prefix(kept)))
    }

    /// As much of a text of unknown length as is kept.
    var shortened: String { String(String.UnicodeScalarView(unicodeScalars.prefix(CheckLimits.messageLengthMax))) }
}
