import ArgumentParser
import Foundation
import LicenseToken
import Primitives
import SignetApp

import struct Licensing.CanonicalAddress
import struct Licensing.CanonicalDomain

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "License tokens.", subcommands: [TokenVerify.self])
}

struct TokenVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Verifies a license token offline, as installed software does.",
        discussion: "Exit status 0 when it is accepted, 1 when it is refused.")

    @Argument(help: "The token.")
    var token: String

    @Option(help: "File with the pinned key set (JWKS).")
    var jwks: String

    @Option(help: "The installation's domain.")
    var domain: String?

    @Option(help: "The installation's address.")
    var ip: String?

    @Option(name: .customLong("installation-id"), help: "The installation's own identifier.")
    var installationID: String?

    @Option(help: "The product that the token must be for. (default: any)")
    var product: String?

    @Option(help: "The issuer that the token must be from. (default: any)")
    var issuer: String?

    @Option(help: "The time to verify at, YYYY-MM-DDTHH:MM:SSZ. (default: now)")
    var at: String?

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let verifier = LicenseTokenVerifier(keys: try keys(), issuer: issuer, product: product)
        let installation = try installation()
        let now = try time()
        do throws(LicenseTokenError) {
            let license = try verifier.verify(LicenseToken(token), for: installation, at: now)
            accept(license)
        } catch {
            refuse(error)
            throw ExitCode(ExitStatus.negative.rawValue)
        }
    }

    private func keys() throws -> LicenseKeySet {
        guard let data = FileManager.default.contents(atPath: jwks) else {
            throw CommandFailure(status: .usage, message: "the key set \(jwks) cannot be read")
        }
        do {
            return try LicenseKeySet(jwks: [UInt8](data))
        } catch {
            throw CommandFailure(status: .usage, message: "the key set \(jwks) cannot be used: \(error.reason)")
        }
    }

    /// The installation in canonical form, as the token names it.
    private func installation() throws -> Installation {
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

    private func time() throws -> Int64 {
        guard let at else { return SystemWallClock().now().seconds }
        guard let instant = Timestamp(text: at) else {
            throw CommandFailure(status: .usage, message: "--at must be YYYY-MM-DDTHH:MM:SSZ")
        }
        return instant.seconds
    }

    private func accept(_ license: VerifiedLicense) {
        if options.json {
            return Output.json(
                JSONWriter.object { json in
                    json.member("valid", true)
                    json.member("license_id", license.licenseID)
                    json.member("product", license.product)
                    json.member("license_type", license.licenseType)
                    json.member("features", license.features)
                    json.member("domain", license.domain)
                    json.member("activation_id", license.activationID)
                    json.member("expires_at_time", Timestamp(seconds: license.expiresAt).description)
                    json.member("nonce", license.nonce)
                })
        }
        Output.card([
            ("ACCEPTED", "The token is good for this installation."), ("License", license.licenseID),
            ("Product", license.product), ("Type", license.licenseType),
            ("Features", license.features.joined(separator: ", ")), ("Domain", license.domain),
            ("Installation", license.activationID ?? "development host"),
            ("Token ends", Timestamp(seconds: license.expiresAt).description),
        ])
    }

    private func refuse(_ error: LicenseTokenError) {
        if options.json {
            return Output.json(
                JSONWriter.object { json in
                    json.member("valid", false)
                    json.member("code", error.code.rawValue)
                    json.member("message", error.reason)
                })
        }
        Output.card([("REFUSED", error.code.rawValue), ("Reason", error.reason)])
    }
}
