import Foundation
import LicenseToken
import Primitives
import SignetApp

import struct Licensing.CanonicalAddress
import struct Licensing.CanonicalDomain

/// What commands that need no server read: files, and values brought into canonical form. Each throws
/// `CommandFailure` naming the option.
enum OfflineInputs {
    /// Bytes of a file. Throws when there is none.
    static func file(_ path: String, _ what: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(status: .usage, message: "the \(what) \(path) cannot be read")
        }
        return [UInt8](data)
    }

    /// The pinned key set in a file.
    static func keys(_ path: String) throws -> LicenseKeySet {
        let document = try file(path, "key set")
        do {
            return try LicenseKeySet(jwks: document)
        } catch {
            throw CommandFailure(status: .usage, message: "the key set \(path) cannot be used: \(error.reason)")
        }
    }

    /// The installation in canonical form, as tokens and keys name it.
    static func installation(domain: String?, ip: String?, installationID: String?) throws -> Installation {
        do {
            let domain = try domain.map { try CanonicalDomain($0).ascii }
            guard let ip else { return .init(domain: domain, address: nil, installationID: installationID) }
            guard let address = CanonicalAddress(ip) else {
                throw CommandFailure(status: .usage, message: "--ip must be an IPv4 or IPv6 address")
            }
            return .init(domain: domain, address: address.description, installationID: installationID)
        } catch let refusal as CanonicalDomain.Refusal {
            throw CommandFailure(status: .usage, message: "--domain \(refusal.reason)")
        }
    }

    /// An instant in unix seconds; nil is now.
    static func time(_ text: String?) throws -> Int64 {
        guard let text else { return SystemWallClock().now().seconds }
        guard let instant = Timestamp(text: text) else {
            throw CommandFailure(status: .usage, message: "--at must be YYYY-MM-DDTHH:MM:SSZ")
        }
        return instant.seconds
    }
}
