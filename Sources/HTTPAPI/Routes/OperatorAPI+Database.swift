import Access
import Database
import Hummingbird
import Journal
import Licensing
import Primitives
import Secrets
import Upkeep

extension OperatorAPI {
    /// The database as a whole.
    func addDatabase(to routes: inout Routes) {
        routes.add(.post, "/api/v1/database/backups", scope: .databaseWrite, makeBackup)
        routes.add(.get, "/api/v1/database/check", scope: .databaseRead, checkDatabase)
        routes.add(.get, "/api/v1/database/schema", scope: .databaseRead, showSchema)
    }

    @Sendable
    private func makeBackup(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let reason = members.string("reason", bytesMax: Self.reasonBytesMax)
        let output = members.requiredString("output")
        if !output.isEmpty, !output.hasPrefix("/") { members.refuse("output", "must be an absolute path") }
        let text = members.requiredString("passphrase")
        let passphrase = text.isEmpty ? nil : Self.passphrase(text, &members)
        try members.finish()
        guard let passphrase else { preconditionFailure("a passphrase that is none was refused") }
        let provenance = Provenance(
            actor: context.actor, requestID: context.id, at: clock.now(), reason: reason)
        try await licensing.storeLastSeen()
        let backup = try await upkeep.backUp(to: output, under: passphrase, by: provenance)
        return .json(JSONWriter.object(backup.write), status: .created)
    }

    private static func passphrase(_ text: String, _ members: inout Members) -> Passphrase? {
        do {
            return try Passphrase(text)
        } catch {
            members.refuse("passphrase", "is none: \(error.description)")
            return nil
        }
    }

    @Sendable
    private func checkDatabase(_ request: Request, _ context: OperatorContext) async throws -> Response {
        .json(JSONWriter.object(try await upkeep.check().write))
    }

    @Sendable
    private func showSchema(_ request: Request, _ context: OperatorContext) async throws -> Response {
        .json(JSONWriter.object(try await upkeep.schemaVersions().write))
    }
}

extension Backup {
    func write(to json: inout JSONWriter) {
        json.member("path", path)
        json.member("bytes", bytes)
        json.member("manifest", manifest.write)
    }
}

extension CheckReport {
    func write(to json: inout JSONWriter) {
        json.member("sound", isSound)
        json.member("damages", damages)
        json.member("rules", objects: findings) { finding, json in
            json.member("rule", finding.rule)
            json.member("violations", finding.violations)
            json.member("when_broken", finding.whenBroken)
        }
        json.member("chain", chain.write)
    }
}

extension SchemaVersions {
    func write(to json: inout JSONWriter) {
        json.member("schema_version", applied.last ?? 0)
        json.member("applied", json: Array("[\(applied.map(String.init).joined(separator: ","))]".utf8))
        json.member("readable_from", readableFrom)
        json.member("pending", objects: pending) { step, json in
            json.member("version", step.version)
            json.member("name", step.name)
        }
    }
}
