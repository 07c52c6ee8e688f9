import CPSL

/// The Public Suffix List (publicsuffix.org), by libpsl with the list that it was built with.
///
/// Under a public suffix such as `co.uk` or `github.io` anybody can have a name: a wildcard there would be a license
/// for strangers.
enum PublicSuffix {
    /// Whether `ascii`, a canonical domain, is one.
    static func isPublic(_ ascii: String) -> Bool {
        // Without a list nothing can be told apart, so everything counts as public and no wildcard is accepted.
        guard let list = psl_builtin() else { return true }
        return psl_is_public_suffix(list, ascii) == 1
    }
}
