import ArgumentParser
import LicenseToken
import Primitives
import SignetApp

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
        let verifier = LicenseTokenVerifier(keys: try OfflineInputs.keys(jwks), issuer: issuer, product: product)
        let installation = try OfflineInputs.installation(domain: domain, ip: ip, installationID: installationID)
        let now = try OfflineInputs.time(at)
        do throws(LicenseTokenError) {
            let license = try verifier.verify(LicenseToken(token), for: installation, at: now)
            accept(license)
        } catch {
            Output.refusal(error, options)
            throw ExitCode(ExitStatus.negative.rawValue)
        }
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
}
