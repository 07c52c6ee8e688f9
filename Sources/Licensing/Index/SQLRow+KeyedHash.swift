import Database
import Secrets

extension SQLRow {
    /// A hash that is stored as its bytes.
    func keyedHash(_ column: Int) -> KeyedHash {
        var hash = KeyedHash(high: 0, low: 0)
        withBlob(column) { hash = KeyedHash(bytes: $0) }
        return hash
    }
}
