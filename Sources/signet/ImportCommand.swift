import ArgumentParser
import Foundation
import Licensing
import Primitives
import SignetApp

struct LicenseImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Brings licenses over from another system; repeat it to bring what changed.",
        discussion: """
            The whole file is checked first, and nothing is sent while anything is wrong with it. Exit status 0 when \
            every line was brought in, 1 when some could not be.
            """)

    @Argument(help: "The file that the other system's export wrote.")
    var file: String

    @Option(help: "The other system: whmcs.")
    var from: String

    @Option(
        help: ArgumentHelp(
            "Which of our products one of theirs is, by its number there. Say it for each.", valueName: "id=code"))
    var productMap: [String] = []

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let importing = try ImportFile.opened(file, from: try source(), codes: try codes())
        let report = try await options.withClient { client in
            var report = ImportReport(dryRun: change.dryRun)
            for batch in importing.batches() {
                let body = batch.body(of: importing, from: from, change)
                let answer = try await client.post("/api/v1/licenses/import", body)
                do { report.take(try answer.required(), to: batch) } catch {
                    report.complain(of: importing)
                    throw error
                }
            }
            return report
        }
        report.print(json: options.json)
        change.remind()
        if report.hasConflicts { throw ExitCode(ExitStatus.negative.rawValue) }
    }

    private func source() throws -> ImportSource {
        guard let source = ImportSource(rawValue: from) else {
            let names = ImportSource.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandFailure(status: .usage, message: "--from must be one of \(names)")
        }
        return source
    }

    /// Codes of our products by the numbers of theirs.
    private func codes() throws -> [String: String] {
        var codes: [String: String] = [:]
        for pair in productMap {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard halves.count == 2, !halves[0].isEmpty, Slug(halves[1]) != nil else {
                throw CommandFailure(
                    status: .usage, message: "--product-map must be ID=CODE, as in 12=whm-panel, not \"\(pair)\"")
            }
            guard codes.updateValue(halves[1], forKey: halves[0]) == nil else {
                throw CommandFailure(status: .usage, message: "--product-map names product \(halves[0]) twice")
            }
        }
        return codes
    }
}

// MARK: - The file

extension ImportFile {
    /// Problems that are told one by one.
    private static let problemsToldMax = 100

    /// The file at `path`. Throws `CommandFailure` naming all that is wrong with it.
    fileprivate static func opened(
        _ path: String, from source: ImportSource, codes: [String: String]
    ) throws -> ImportFile {
        let bytes = try OfflineInputs.file(path, "import file")
        guard bytes.count <= bytesMax else {
            throw CommandFailure(status: .usage, message: "\(path) has more than \(bytesMax) bytes; split it")
        }
        do throws(Unusable) {
            return try ImportFile(bytes, from: source, codes: codes)
        } catch {
            var lines = error.problems.prefix(problemsToldMax).map(\.description)
            let rest = error.problems.count - lines.count
            if rest > 0 { lines.append("and \(rest) more") }
            throw CommandFailure(
                status: .usage,
                message: "\(path) cannot be imported; nothing was sent\n" + lines.joined(separator: "\n"))
        }
    }

    /// Lines of one request.
    fileprivate struct Batch {
        /// Whether its answer tells of the products too: they are in every request, since each stands alone.
        let isFirst: Bool
        let lines: ArraySlice<Line>
    }

    /// Lines of one request, and bytes of all of them.
    private static let batchLinesMax = 100
    private static let batchBytesMax = 200 << 10

    /// All lines in as few requests as their sizes allow, customers before licenses; at least one, for the products.
    fileprivate func batches() -> [Batch] {
        let lines = customers + licenses
        let room = Self.batchBytesMax - products.reduce(0) { $0 + $1.bytes }
        var (batches, start) = ([Batch](), 0)
        repeat {
            var (end, bytes) = (start, 0)
            while end < lines.count, end - start < Self.batchLinesMax,
                end == start || bytes + lines[end].bytes <= room
            {
                bytes += lines[end].bytes
                end += 1
            }
            batches.append(Batch(isFirst: start == 0, lines: lines[start..<end]))
            start = end
        } while start < lines.count
        return batches
    }
}

extension ImportFile.Batch {
    fileprivate func body(of file: ImportFile, from source: String, _ change: ChangeOptions) -> [UInt8] {
        JSONWriter.object { json in
            json.member("source", source)
            json.member("suspend_after_days", file.suspendAfterDays.map(Int64.init))
            json.member("products", value: .array(file.products.map { .object($0.json) }))
            json.member("records", value: .array(lines.map { .object($0.json) }))
            change.write(to: &json)
        }
    }
}

// MARK: - The report

/// What became of the lines of a file.
private struct ImportReport {
    private static let outcomes = ["created", "updated", "unchanged", "conflict"]

    /// A line that there is something to say of.
    private struct Remark {
        let line: Int
        let result: JSONObject

        var notes: [JSONObject] { result["notes"]?.arrayValue?.compactMap(\.objectValue) ?? [] }
    }

    let dryRun: Bool
    /// By type and outcome.
    private var counts: [String: [String: Int]] = [:]
    private var remarks: [Remark] = []
    private var linesDone = 0

    init(dryRun: Bool) { self.dryRun = dryRun }

    var hasConflicts: Bool { counts.values.contains { $0["conflict", default: 0] > 0 } }

    /// Takes in the answer to a batch, whose results stand in the order of its lines after those of the products.
    mutating func take(_ answer: OperatorClient.Answer, to batch: ImportFile.Batch) {
        let results = answer.json.objectValue?["results"]?.arrayValue?.compactMap(\.objectValue) ?? []
        let products = results.count - batch.lines.count
        for (position, result) in results.enumerated() where position >= products || batch.isFirst {
            counts[result.text("type") ?? "", default: [:]][result.text("outcome") ?? "", default: 0] += 1
            let line = position < products ? 0 : batch.lines[batch.lines.startIndex + position - products].number
            let remark = Remark(line: line, result: result)
            if !remark.notes.isEmpty { remarks.append(remark) }
        }
        linesDone += batch.lines.count
    }

    /// Says how far it came, before the failure is told.
    func complain(of file: ImportFile) {
        let all = file.customers.count + file.licenses.count
        guard linesDone > 0, !dryRun else { return }
        Output.complain("\(linesDone) of \(all) lines were brought in; run it again to go on")
    }

    func print(json: Bool) {
        if json { return Output.json(JSONWriter.object(write)) }
        let kinds = ["product", "customer", "license"].filter { counts[$0] != nil }
        Output.table(
            ["TYPE", "CREATED", "UPDATED", "UNCHANGED", "CONFLICTS"],
            kinds.map { kind in [kind] + Self.outcomes.map { String(counts[kind]?[$0] ?? 0) } })
        for remark in remarks {
            for note in remark.notes {
                let what = "\(remark.result.text("type") ?? "") \(remark.result.text("id") ?? "")"
                Swift.print("line \(remark.line), \(what): \(note.text("code") ?? ""): \(note.text("message") ?? "")")
            }
        }
    }

    private func write(to json: inout JSONWriter) {
        json.member("dry_run", dryRun)
        json.member("products", value: counted("product"))
        json.member("customers", value: counted("customer"))
        json.member("licenses", value: counted("license"))
        json.member("remarks", objects: remarks) { remark, json in
            json.member("line", Int64(remark.line))
            json.member("type", value: remark.result["type"])
            json.member("id", value: remark.result["id"])
            json.member("outcome", value: remark.result["outcome"])
            json.member("notes", value: remark.result["notes"])
        }
    }

    private func counted(_ kind: String) -> JSONValue {
        var object = JSONObject()
        for outcome in Self.outcomes {
            _ = object.append(
                outcome == "conflict" ? "conflicts" : outcome, .integer(Int64(counts[kind]?[outcome] ?? 0)))
        }
        return .object(object)
    }
}
