package import Primitives

/// Why a change of the signing keys was not made. Nothing was changed.
package enum SigningKeyRefusal: Error, Equatable {
    case unknown(String)
    case alreadyRevoked(String)
    /// The key has been published for less than a token life: clients that have not asked since do not know it.
    case notLongEnough(String, from: Timestamp)
    /// The root is in use, and no set signed by it lists the key yet.
    case notListed(String)
    /// A rotation is under way.
    case rotationPending(String, from: Timestamp)
    case timeInPast(Timestamp)
    case timeTooFar(Timestamp)
    /// Its private half may not be destroyed in this state.
    case stillNeeded(String, SigningKeyRecord.State)
    /// Somebody else changed the keys in this moment.
    case changedMeanwhile
    /// A set to be published does not say what the server publishes now.
    case keySetOutdated
    /// A set to be published is not good; the reason is the verifier's.
    case keySetRefused(String)
    /// Another root signed earlier sets.
    case rootDiffers(String)
    /// The private files are not to be sealed: no passphrase is set.
    case noPassphrase
    /// Nodes that serve lack the key's private file: what they answered would carry no token.
    case notEverywhere(String, nodes: [String])
    /// The private file of the key that signs is not on this node, which gives no tokens until it is.
    case fileMissing(String)
}
