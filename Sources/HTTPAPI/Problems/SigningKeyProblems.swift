import HTTPTypes
import Licensing
import Primitives

extension SigningKeyRefusal: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .unknown(let kid):
            Problem(.notFound, "signing_key_unknown", "There is no such signing key.", detail: "No key is \(kid).")
        case .alreadyRevoked(let kid):
            Problem(.conflict, "signing_key_revoked", "The key was revoked before.", detail: "Key \(kid).")
        case .notLongEnough(let kid, let instant):
            Problem(
                .conflict, "signing_key_too_new", "The next key was published less than a token life ago.",
                detail: "Key \(kid) may sign from \(instant): software that has not refreshed its keys since it was "
                    + "published would refuse what it signs. Force does it all the same.")
        case .notListed(let kid):
            Problem(
                .conflict, "signing_key_not_listed", "The next key is in no signed key set.",
                detail: "Software does not learn of key \(kid) before a set lists it; run: signet keys root sign. "
                    + "Force does it all the same.")
        case .rotationPending(let kid, let instant):
            Problem(
                .conflict, "rotation_pending", "A rotation is under way.",
                detail: "Key \(kid) signs from \(instant). Another time moves it, force makes it now.")
        case .timeInPast(let instant):
            Problem(
                .unprocessableContent, "rotation_time", "A rotation cannot be set to this time.",
                detail: "\(instant) is past.")
        case .timeTooFar(let instant):
            Problem(
                .unprocessableContent, "rotation_time", "A rotation cannot be set to this time.",
                detail: "\(instant) is more than \(KeySchedule.aheadMax.wholeSeconds / 86_400) days ahead.")
        case .stillNeeded(let kid, let state):
            Problem(
                .conflict, "signing_key_needed", "Only a retired or revoked key is destroyed.",
                detail: "Key \(kid) is \(state.rawValue).")
        case .changedMeanwhile:
            Problem(.conflict, "signing_keys_changed", "The signing keys were changed in this moment; try again.")
        case .notEverywhere(let kid, let nodes):
            Problem(
                .conflict, "key_not_everywhere", "A node lacks the next key's private file.",
                detail: "Copy signing-\(kid) into the keys directory of \(nodes.joined(separator: ", ")); tokens would "
                    + "be missing in what is answered there. Force does it all the same where somebody holds the file.")
        case .fileMissing(let kid):
            Problem(
                .serviceUnavailable, "signing_key_missing", "This node lacks the key that signs.",
                detail: "Copy signing-\(kid) into its keys directory; it is taken up within seconds.")
        default: keySetProblem
        }
    }

    private var keySetProblem: Problem {
        switch self {
        case .keySetRefused(let reason):
            Problem(.unprocessableContent, "key_set_refused", "This is no good key set.", detail: reason)
        case .rootDiffers(let kid):
            Problem(
                .conflict, "root_differs", "Another root signed the earlier key sets.",
                detail: "That was \(kid). Software that pins it accepts nothing of another.")
        case .noPassphrase:
            Problem(
                .conflict, "keys_passphrase_missing", "No passphrase is set for the private files.",
                detail: "Set keys-passphrase-file or SIGNET_KEYS_PASSPHRASE for the server and start it again.")
        default:
            Problem(
                .conflict, "key_set_outdated", "The key set does not say what is published and revoked now.",
                detail: "Keys changed since the request was made, or its number is taken; sign a new one.")
        }
    }
}

extension Problem {
    static let keySetNotSigned = Problem(
        .notFound, "key_set_not_signed", "The vendor has signed no key set.",
        detail: "The keys that the software was built with hold.")
}
