extension LicenseTokenVerifier {
    /// What `token` says, if it was signed by one of the keys for the product: whenever, and for whichever
    /// installation. For the service that gets a token of its own back; software that runs under a license verifies.
    package func claims(of token: LicenseToken) throws(LicenseTokenError) -> LicenseClaims {
        let said = try LicenseClaims(json: try CompactJWS(token).payload)
        let holder = Installation(
            domain: said.domain, address: said.address, installationID: said.installationID)
        return try verify(token, for: holder, at: said.notBefore).claims
    }
}
