package import Database
import Primitives

extension SeatStore {
    /// One page of the taken seats of a license, oldest first.
    package func activations(
        of license: LicenseID, _ page: Page, in transaction: ReadTransaction
    ) throws -> Listing<Activation> {
        let arguments = [license.sqlValue, page.perPage.sqlValue, page.offset.sqlValue]
        let addresses = Dictionary(
            grouping: try transaction.all(Self.addressesOfPage, arguments: arguments, as: Self.address), by: \.seat)
        let seats = try transaction.all(
            "SELECT \(Self.seatColumns) FROM activations a \(Self.page)", arguments: arguments
        ) { row in
            try Self.seat(row, addresses: addresses[row.randomID(0)]?.map(\.address) ?? [])
        }
        let total = try transaction.count(
            "SELECT count(*) FROM activations WHERE license_id = ? AND released_at IS NULL",
            arguments: [license.sqlValue])
        return Listing(items: seats, total: total)
    }

    private static let page = "WHERE license_id = ? AND released_at IS NULL ORDER BY first_seen, id LIMIT ? OFFSET ?"

    private static let addressesOfPage = """
        SELECT activation_id, address, peer, first_seen, last_seen FROM seat_addresses
        WHERE activation_id IN (SELECT id FROM activations \(page)) ORDER BY first_seen
        """

    private static func address(_ row: any SQLRow) -> (seat: ActivationID, address: Activation.Address) {
        let address = Activation.Address(
            address: row.text(1), peer: row.optionalText(2), firstSeen: row.timestamp(3), lastSeen: row.timestamp(4))
        return (row.randomID(0), address)
    }
}
