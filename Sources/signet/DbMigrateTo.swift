import ArgumentParser
import Database
import Foundation
import Logging
import Primitives
import SignetApp

struct DbMigrateTo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate-to", abstract: "Copies the stopped installation to a PostgreSQL database.",
        discussion: """
            Everything in the SQLite file, in one transaction, checked before it counts. The file stays as it is. The \
            target is empty or an earlier copy that nobody has written to, so it can be repeated. A password may \
            stand in PGPASSWORD or in a file that PGPASSFILE names instead of the address.
            """)

    @Argument(help: ArgumentHelp("Where to: postgres://USER@HOST:PORT/NAME.", valueName: "address"))
    var address: String

    @Flag(help: "Look at both databases, tell what would be copied, and change nothing.")
    var dryRun = false

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let settings = try options.settings()
        let report: DatabaseMove.Report
        do {
            report = try await DatabaseMove(of: settings, logger: GlobalOptions.logger(.error)).run(
                to: try target(), dryRun: dryRun
            ) { Output.complain("copied \($0.rows) rows of \($0.name)") }
        } catch let refusal as DatabaseMove.Refusal {
            throw CommandFailure(status: .negative, message: refusal.description)
        } catch let failure as CopyFailure {
            throw CommandFailure(status: .negative, message: failure.description)
        } catch let absent as SchemaUpgrade.Absent {
            throw CommandFailure(status: .negative, message: absent.description)
        } catch let held as DataDirectoryLock.Held {
            throw CommandFailure(status: .unavailable, message: "\(held.path) is held by \(held.holder)")
        }
        tell(report)
        if !report.isSound { throw ExitCode(ExitStatus.negative.rawValue) }
    }

    private func target() throws -> PostgreSQLAddress {
        do {
            return try PostgreSQLAddress(address)
        } catch {
            throw CommandFailure(status: .usage, message: "the address is not usable: \(error.description)")
        }
    }

    private func tell(_ report: DatabaseMove.Report) {
        if let flaw = report.flaw { Output.complain("the journal of the copy is not sound: \(flaw)") }
        for broken in report.broken { Output.complain("the copy is not sound, perhaps as the file was not: \(broken)") }
        if options.json { return Output.json(JSONWriter.object { write(report, to: &$0) }) }
        let rows = report.tables.reduce(0) { $0 + $1.rows }
        Output.card([
            (dryRun ? "Would copy" : "Copied", "\(rows) rows of \(report.tables.count) tables"),
            ("From", report.source), ("To", report.target),
            ("Replaced", report.isRepeated ? "an earlier copy" : nil),
        ])
        guard !dryRun else { return Output.complain("dry run: nothing was changed") }
        guard report.isSound else { return }
        print("")
        print("Next: SIGNET_DATABASE=\(report.target) with the password, and the same keys directory, on every node.")
        print("Keep \(report.source) until that runs; do not serve from it again.")
    }

    private func write(_ report: DatabaseMove.Report, to json: inout JSONWriter) {
        json.member("copied", !dryRun)
        json.member("source", report.source)
        json.member("target", report.target)
        json.member("repeated", report.isRepeated)
        json.member("sound", report.isSound)
        json.member("tables", objects: report.tables) { table, json in
            json.member("table", table.name)
            json.member("rows", table.rows)
        }
    }
}
