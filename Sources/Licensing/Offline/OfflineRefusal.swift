/// Why nothing was issued that works without a network. Nothing was changed.
package enum OfflineRefusal: Error, Equatable {
    /// The license itself stands in the way, or does not allow this domain or address.
    case notInForce(Verdict)
    /// No seat is free, or none at this address.
    case noSeat(Verdict)
    /// A development host needs no file: it takes no seat, and its tokens end within a day.
    case developmentHost
    /// The license counts its days from the first activation, and there was none: an offline key could not say when it
    /// ends.
    case notStarted
    /// The request was made under another license key, which ends in these symbols.
    case otherKey(last4: String)
    /// The request was made for another product.
    case otherProduct(String)
    /// Every type code (255) or feature bit (64) of the product has its name.
    case numbersUsedUp(ProductCodes.Kind)
    /// An offline key holds instants of 2020 to 2156.
    case instantOutOfRange
}
