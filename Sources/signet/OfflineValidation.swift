import ArgumentParser
import Foundation
import LicenseToken
import Primitives
import SignetApp

/// The part of `license validate` that needs no server: what a customer without a network can repeat.
struct OfflineValidationOptions: ParsableArguments {
    @Flag(help: "Ask no server: verify an offline key or a license file.")
    var offline = false

    @Option(help: "With --offline: file with the pinned key set (JWKS).")
    var jwks: String?

    @Option(help: "With --offline: file with the newest list of revoked licenses.")
    var revocations: String?

    @Option(help: "With --offline: file that `signet product codes` printed. (default: any product)")
    var codes: String?

    @Option(help: "With --offline: the time to verify at, YYYY-MM-DDTHH:MM:SSZ. (default: now)")
    var at: String?

    mutating func validate() throws {
        guard !offline else {
            guard jwks != nil else { throw ValidationError("--offline needs --jwks FILE, the keys to trust.") }
            return
        }
        guard jwks == nil, revocations == nil, codes == nil, at == nil else {
            throw ValidationError("--jwks, --revocations, --codes and --at are for --offline.")
        }
    }

    /// What an accepted license says, whichever format it came in.
    private struct Accepted {
        let license: String
        let product: String
        let type: String
        let features: [String]
        let binding: LicenseBinding
        let activation: String?
        let expiresAt: Int64?
    }

    /// Verifies `text`, or the file of that name, and prints the result. Exit status 1 when it is refused.
    func validate(
        _ text: String, for installation: Installation, product: String?, _ options: GlobalOptions
    ) throws {
        let pinned = try OfflineInputs.keys(jwks ?? "")
        let now = try OfflineInputs.time(at)
        let names = try names()
        let content = try content(text)
        let listText = try listText()
        do throws(LicenseTokenError) {
            let list = try Self.list(listText, pinned)
            let accepted =
                LicenseFile.isLikely(content)
                ? try Self.verify(
                    file: content,
                    LicenseTokenVerifier(keys: pinned, product: product ?? names?.product, revocations: list),
                    for: installation, at: now)
                : try Self.verify(
                    key: content,
                    OfflineKeyVerifier(
                        keys: pinned, productNumber: names?.number, names: names, revocations: list),
                    for: installation, at: now)
            Self.print(accepted, options)
        } catch {
            Output.refusal(error, options)
            throw ExitCode(ExitStatus.negative.rawValue)
        }
    }

    /// The argument itself, or what is in the file that it names.
    private func content(_ text: String) throws -> String {
        if (try? OfflineKey(text)) != nil || LicenseFile.isLikely(text) { return text }  // a file's name is neither
        guard FileManager.default.fileExists(atPath: text) else {
            throw CommandFailure(
                status: .usage,
                message: "only an offline key (LK1-…) or a license file can be checked without a server")
        }
        return String(decoding: try OfflineInputs.file(text, "license"), as: UTF8.self)
    }

    private func names() throws -> OfflineKeyNames? {
        guard let codes else { return nil }
        let document = try OfflineInputs.file(codes, "list of numbers")
        do {
            return try OfflineKeyNames(json: document)
        } catch {
            throw CommandFailure(status: .usage, message: "the numbers in \(codes) cannot be used: \(error.reason)")
        }
    }

    private func listText() throws -> String? {
        guard let revocations else { return nil }
        return String(decoding: try OfflineInputs.file(revocations, "list of revoked licenses"), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A list is held, not news: one that has ended still says who was revoked.
    private static func list(_ text: String?, _ pinned: LicenseKeySet) throws(LicenseTokenError) -> RevocationList? {
        guard let text else { return nil }
        return try RevocationList(stored: text, keys: pinned)
    }

    private static func verify(
        file text: String, _ verifier: LicenseTokenVerifier, for installation: Installation, at now: Int64
    ) throws(LicenseTokenError) -> Accepted {
        let license = try verifier.verify(LicenseFile(text).token, for: installation, at: now)
        return Accepted(
            license: license.licenseID, product: license.product, type: license.licenseType,
            features: license.features, binding: license.binding, activation: license.activationID,
            expiresAt: license.expiresAt)
    }

    private static func verify(
        key text: String, _ verifier: OfflineKeyVerifier, for installation: Installation, at now: Int64
    ) throws(LicenseTokenError) -> Accepted {
        let license = try verifier.verify(OfflineKey(text), for: installation, at: now)
        return Accepted(
            license: license.licenseID, product: verifier.names?.product ?? "number \(license.productNumber)",
            type: license.licenseType ?? "number \(license.typeCode)", features: license.features,
            binding: license.binding, activation: nil, expiresAt: license.expiresAt)
    }

    private static func print(_ accepted: Accepted, _ options: GlobalOptions) {
        let end = accepted.expiresAt.map { Timestamp(seconds: $0).description }
        let members: [(LicenseBinding, String)] = [
            (.domain, "domain"), (.address, "address"), (.installation, "installation_id"),
        ]
        let bound = members.filter { accepted.binding.contains($0.0) }.map(\.1)
        if options.json {
            return Output.json(
                JSONWriter.object { json in
                    json.member("valid", true)
                    json.member("license_id", accepted.license)
                    json.member("product", accepted.product)
                    json.member("license_type", accepted.type)
                    json.member("features", accepted.features)
                    json.member("bound_to", bound)
                    json.member("activation_id", accepted.activation)
                    json.member("expires_at_time", end)
                })
        }
        Output.card([
            ("ACCEPTED", "The license is good for this installation."), ("License", accepted.license),
            ("Product", accepted.product), ("Type", accepted.type),
            ("Features", accepted.features.joined(separator: ", ")),
            ("Bound to", bound.isEmpty ? "nothing" : bound.joined(separator: ", ")),
            ("Installation", accepted.activation), ("Ends", end ?? "never"),
        ])
    }
}
