import Primitives
import Secrets

/// The tokens of the current hour, by place: what a warm validate answers with. Bounded in bytes.
package final class TokenCache: Sendable {
    /// Everything that a token depends on; any change makes another token.
    struct Stamp: Sendable, Equatable {
        let licenseVersion: Int64
        let productVersion: Int64
        let keyID: String
        /// Number of the hour.
        let bucket: Int64
        /// The address that the token is bound to, or 0: a place may have many.
        var address: UInt128 = 0
    }

    /// Bytes of tokens kept, over all stripes.
    package static let bytesMax = 64 << 20
    private static let bytesPerStripeMax = bytesMax / 64

    private struct Table: Sendable {
        var tokens: [KeyedHash: (stamp: Stamp, minted: TokenMint.Minted)] = [:]
        var bytes = 0
    }

    private let tables = Striped { Table() }

    package init() {}

    /// When the place was last told that it is valid, as far as its token is still kept.
    func lastValid(of place: KeyedHash) -> LastValid? {
        tables.withTable(of: place.high) { table in
            table.tokens[place].map { entry in
                LastValid(
                    licenseVersion: entry.stamp.licenseVersion, productVersion: entry.stamp.productVersion,
                    at: entry.minted.at)
            }
        }
    }

    func forget(_ place: KeyedHash) {
        tables.withTable(of: place.high) { table in
            table.bytes -= table.tokens.removeValue(forKey: place)?.minted.token.count ?? 0
        }
    }

    func token(for place: KeyedHash, _ stamp: Stamp) -> TokenMint.Minted? {
        tables.withTable(of: place.high) { table in
            guard let entry = table.tokens[place], entry.stamp == stamp else { return nil }
            return entry.minted
        }
    }

    /// Keeps a token. A stripe that is full is emptied: each of its tokens costs one signature to have again, and no
    /// order of use has to be kept on the hot path.
    func keep(_ minted: TokenMint.Minted, for place: KeyedHash, _ stamp: Stamp) {
        tables.withTable(of: place.high) { table in
            table.bytes -= table.tokens[place]?.minted.token.count ?? 0
            if table.bytes + minted.token.count > Self.bytesPerStripeMax { table = Table() }
            table.tokens[place] = (stamp, minted)
            table.bytes += minted.token.count
        }
    }
}
