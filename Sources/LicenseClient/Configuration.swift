import Crypto
import LicenseToken
import Primitives

extension LicenseClient {
    /// What an installation of a program is, and whom it trusts. All of it is fixed when the program is built or
    /// installed: nothing is ever taken from a visitor's request.
    public struct Configuration: Sendable {
        /// The license key, as the customer typed it, or an offline key (`LK1-…`).
        public var licenseKey: String

        /// The code of the product, which a token must be for: `whm-panel`.
        public var product: String

        /// The issuer a token must be from: the setting `issuer` of the service. Nil: any whose key is trusted.
        public var issuer: String?

        /// The pinned key set: the text that `signet keys export` prints, part of the program. Nil if only a root is
        /// pinned: then the first check fetches the keys that it signed.
        public var pinnedKeys: String?

        /// The pinned root: the text that `signet keys root show` prints. Nil: the pinned keys are never replaced.
        public var pinnedRoot: String?

        /// Base addresses of the service, tried in order within one ``timeout``: `https://license.example.com`. Empty
        /// for an installation without a network, which is licensed by a file: see
        /// ``LicenseClient/adopt(licenseFile:)``.
        public var servers: [String]

        /// A directory of this installation alone, on a local file system, outside what a web server shows. Made with
        /// its parents (0700) when it is missing.
        public var cacheDirectory: String

        /// The domain that was stored at installation, in any spelling; outside ASCII as A-label (`xn--…`).
        public var domain: String?

        /// The address of the installation. Nil: the service takes that of the connection.
        public var address: String?

        /// A name the installation chose for itself at installation and kept since.
        public var installationID: String?

        /// The version of the program, such as `4.2.0`: licenses with maintenance may end at one.
        public var applicationVersion: String?

        /// Time for one check, over all servers and everything that it fetches: 2 s.
        public var timeout: Duration = .seconds(2)

        /// What every installation needs; the rest is set afterward. One of `domain` and ``installationID`` must be
        /// known, and one of `pinnedKeys` and `pinnedRoot` pinned.
        public init(
            licenseKey: String, product: String, issuer: String?, pinnedKeys: String?, pinnedRoot: String? = nil,
            servers: [String], cacheDirectory: String, domain: String? = nil
        ) {
            self.licenseKey = licenseKey.trimmed
            self.product = product
            self.issuer = issuer
            self.pinnedKeys = pinnedKeys
            self.pinnedRoot = pinnedRoot
            self.servers = servers
            self.cacheDirectory = cacheDirectory
            self.domain = domain
        }
    }
}

extension LicenseClient.Configuration {
    /// Where the software runs, in canonical form; nil where unknown or unreadable.
    var installation: Installation {
        Installation(
            domain: domain.flatMap(LicenseClient.canonicalDomain),
            address: address.flatMap(LicenseClient.canonicalAddress),
            installationID: installationID)
    }

    /// Tells one license of one installation from another, and gives neither away.
    var identity: String {
        let subject = JSONWriter.object { subject in
            subject.member("key", licenseKey)
            subject.member("product", product)
            subject.member("domain", installation.domain)
            subject.member("installation_id", installationID)
        }
        return Hexadecimal.encode(SHA256.hash(data: subject))
    }
}

extension LicenseClient.Configuration: CustomStringConvertible, CustomReflectable {
    /// Without the license key, so that one that reaches a log gives nothing away.
    public var description: String { "Configuration(product: \(product), cacheDirectory: \(cacheDirectory))" }

    /// Without the license key.
    public var customMirror: Mirror {
        Mirror(self, children: ["product": product, "servers": servers, "cacheDirectory": cacheDirectory])
    }
}
