import ArgumentParser
import Database
import Foundation
import Logging
import Primitives
import Secrets
import SignetApp
import Upkeep

struct DbCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db", abstract: "The database: backups, checks and the steps of its schema.",
        subcommands: [DbBackup.self, DbRestore.self, DbCheck.self, DbMigrate.self, DbMigrateTo.self])
}

/// Where the recovery passphrase comes from.
struct RecoveryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "File with the recovery passphrase, readable by its owner only.",
            discussion: "Without it: SIGNET_BACKUP_PASSPHRASE, else the terminal is asked.", valueName: "file"))
    var passphraseFile: String?

    var input: PassphraseInput {
        PassphraseInput(
            prompt: "Recovery passphrase", variable: "SIGNET_BACKUP_PASSPHRASE", file: passphraseFile)
    }
}

struct DbBackup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Makes a backup while the service runs: the database and the sealed secrets.",
        discussion: """
            One tar archive with the database and, sealed under a recovery passphrase, the secrets of Keys/. Without \
            the passphrase nobody can restore it: keep it elsewhere.
            """)

    @Option(help: "The file to write, which must not exist. (default: signet-backup-TIME.tar here)")
    var output: String?

    @Option(help: "Why; recorded in the journal.")
    var reason: String?

    @OptionGroup var recovery: RecoveryOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let passphrase = try recovery.input.read(isNew: true).text
        let path = Self.absolute(output ?? Self.defaultName)
        let body = JSONWriter.object { json in
            json.member("output", path)
            json.member("passphrase", passphrase)
            json.member("reason", reason)
        }
        let answer = try await options.withClient {
            try await $0.post(
                "/api/v1/database/backups", body, timeoutSeconds: OperatorClient.longTimeoutSeconds
            ).required()
        }
        guard !options.json, let backup = answer.json.objectValue else { return Output.json(answer.body) }
        BackupPrinting.print(backup["manifest"]?.objectValue, file: backup.text("path"), bytes: backup.text("bytes"))
    }

    private static var defaultName: String {
        let time = SystemWallClock().now().description.filter { $0 != "-" && $0 != ":" }
        return "signet-backup-\(time).tar"
    }

    /// The server may run in another directory.
    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}

struct DbRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Makes an installation out of a backup.",
        discussion: """
            Into a data directory and a keys directory where no installation is (--data, --keys). The backup is \
            checked before anything is written; --dry-run does only that.
            """)

    @Argument(help: "The backup.")
    var file: String

    @OptionGroup var recovery: RecoveryOptions
    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let settings = try options.settings()
        let passphrase = try recovery.input.read()
        let report: Restore.Report
        do {
            report = try await Restore(into: settings, logger: GlobalOptions.logger(.error)).run(
                file, under: passphrase, dryRun: change.dryRun, by: OperatorClient.ownActor, reason: change.reason)
        } catch let failure as BackupFailure {
            throw CommandFailure(status: failure.isSystems ? .unavailable : .negative, message: failure.description)
        } catch let held as DataDirectoryLock.Held {
            throw CommandFailure(status: .unavailable, message: "\(held.path) is held by \(held.holder)")
        }
        tell(report, settings)
        change.remind()
    }

    private func tell(_ report: Restore.Report, _ settings: Settings) {
        for rule in report.brokenRules {
            Output.complain("the database was not sound when the backup was made: \(rule.whenBroken)")
        }
        if options.json {
            return Output.json(
                JSONWriter.object { json in
                    json.member("restored", !change.dryRun)
                    json.member("data", settings.stateDirectory)
                    json.member("keys", settings.keys)
                    json.member("broken_rules", report.brokenRules.map(\.rule))
                    json.member("manifest", report.manifest.write)
                })
        }
        // What this program has just written itself is JSON.
        let manifest = try? JSONReader.read(JSONWriter.object(report.manifest.write)).objectValue
        BackupPrinting.print(manifest, file: file, bytes: nil)
    }
}

struct DbCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Checks the file, the rules between rows and the end of the hash chain.",
        discussion: "Changes nothing. Exit status 0: sound; 1: not, and every rule that is broken is named.")

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let answer = try await options.withClient {
            try await $0.get("/api/v1/database/check", timeoutSeconds: OperatorClient.longTimeoutSeconds).required()
        }
        let report = answer.json.objectValue
        if options.json { Output.json(answer.body) } else { printed(report) }
        if report?["sound"] != .bool(true) { throw ExitCode(ExitStatus.negative.rawValue) }
    }

    private func printed(_ report: JSONObject?) {
        let damages = report?["damages"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let chain = report?["chain"]?.objectValue?["flaw"]?.objectValue?.text("message")
        let rows = (report?["rules"]?.arrayValue ?? []).compactMap(\.objectValue).map { rule in
            let count = rule["violations"]?.integerValue ?? 0
            return [
                rule.text("rule") ?? "-",
                count == 0 ? "kept" : "BROKEN \(count) times: \(rule.text("when_broken") ?? "")",
            ]
        }
        Output.table(
            ["WHAT", "HOW"],
            (damages.isEmpty ? [["file", "sound"]] : damages.map { ["file", "DAMAGED: \($0)"] }) + rows
                + [["hash-chain", chain.map { "BROKEN: \($0)" } ?? "sound at its end; all of it: signet audit verify"]])
    }
}

struct DbMigrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Brings the schema up to this program; every start does so too.",
        discussion: "A copy of the database is made beside it first. --dry-run lists what would be done.")

    @Flag(help: "List what would be done, and change nothing.")
    var dryRun = false

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let settings = try options.settings()
        do {
            let report = try await SchemaUpgrade.run(settings, dryRun: dryRun, logger: GlobalOptions.logger(.error))
            tell(
                last: (report.versions.applied + report.applied).max() ?? 0, applied: report.applied,
                pending: report.versions.pending.map(\.version).filter { !report.applied.contains($0) })
        } catch let absent as SchemaUpgrade.Absent {
            throw CommandFailure(status: .negative, message: absent.description)
        } catch is DataDirectoryLock.Held {
            try await askServer()
        }
    }

    /// A server brought the schema up to itself when it started; this program may know more.
    private func askServer() async throws {
        let schema = try await options.withClient { try await $0.get("/api/v1/database/schema").required() }
        let applied = schema.json.objectValue?["applied"]?.arrayValue?.compactMap(\.integerValue) ?? []
        let pending = SchemaUpgrade.pending(beside: applied)
        guard pending.isEmpty || dryRun else {
            throw CommandFailure(
                status: .unavailable,
                message: "a server of an older release holds the database; stop it to apply \(Self.text(pending))")
        }
        tell(last: applied.max() ?? 0, applied: [], pending: pending)
    }

    private func tell(last: Int64, applied: [Int64], pending: [Int64]) {
        if options.json {
            return Output.json(
                JSONWriter.object { json in
                    json.member("schema_version", last)
                    json.member("applied", json: Array("[\(Self.text(applied))]".utf8))
                    json.member("pending", json: Array("[\(Self.text(pending))]".utf8))
                })
        }
        Output.card([
            ("Schema", "version \(last)"), ("Applied now", applied.isEmpty ? nil : Self.text(applied)),
            ("Pending", pending.isEmpty ? "nothing" : Self.text(pending)),
        ])
    }

    private static func text(_ versions: [Int64]) -> String { versions.map(String.init).joined(separator: ", ") }
}

private enum BackupPrinting {
    static func print(_ manifest: JSONObject?, file: String?, bytes: String?) {
        let counts = (manifest?["counts"]?.arrayValue ?? []).compactMap(\.objectValue).map { count in
            "\(count["rows"]?.integerValue ?? 0) \(count.text("table") ?? "")"
        }
        Output.card([
            ("Backup", file), ("Bytes", bytes), ("Made", manifest?.text("created_at")),
            ("Schema", manifest?.text("schema_version")), ("Holds", counts.joined(separator: ", ")),
            ("Secrets", manifest?.text("secrets")), ("Anchor", manifest?.text("chain_head")),
        ])
    }
}
