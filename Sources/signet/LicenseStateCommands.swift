import ArgumentParser
import Primitives
import SignetApp

/// What every command that changes how a license stands takes, and what all of them print.
struct LicenseStateOptions: ParsableArguments {
    @Argument(help: "The license key or id (lic_…).")
    var license: String

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    /// Asks for the change `verb`, whose members `write` adds, and prints what became of the license. The answer.
    @discardableResult
    func run(_ verb: String, _ write: (inout JSONWriter) -> Void = { _ in }) async throws -> JSONObject {
        let body = JSONWriter.object { json in
            write(&json)
            change.write(to: &json)
        }
        let answer = try await options.withClient { client in
            let id = try await client.licenseID(license)
            return try await client.post("/api/v1/licenses/\(id.urlSegment)/\(verb)", body).required()
        }
        guard let object = answer.json.objectValue else {
            throw CommandFailure(status: .unavailable, message: "the answer is no JSON object")
        }
        if options.json { Output.json(answer.body) } else { LicenseStatePrinting.print(object) }
        if object["changed"] == .bool(false) { Output.complain("nothing was left to do") }
        change.remind()
        return object
    }
}

struct LicenseSuspend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Holds a license back until it is reinstated.",
        discussion: "Billing holds licenses back on its own account; a payment lifts that, and never this.")

    @OptionGroup var state: LicenseStateOptions

    func run() async throws { try await state.run("suspend") }
}

struct LicenseReinstate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reinstate", abstract: "Lifts the suspension by an operator.",
        discussion: "Exit status 1 when the license stays suspended, by billing.")

    @Flag(help: "Lift the suspension by billing, too.")
    var liftBilling = false

    @OptionGroup var state: LicenseStateOptions

    func run() async throws {
        let license = try await state.run("reinstate") { $0.member("lift_billing", liftBilling) }
        guard license["suspension"]?.arrayValue?.isEmpty == false else { return }
        throw CommandFailure(
            status: .negative, message: "The license stays suspended by billing; to lift that, say --lift-billing")
    }
}

struct LicenseRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Ends a license for good.",
        discussion: "This is final. See what it ends with --dry-run; to stop a license for a while, suspend it.")

    @OptionGroup var state: LicenseStateOptions

    func run() async throws { try await state.run("revoke") }
}

struct LicenseRenew: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Puts off the end of a license; its installations stay.")

    @Option(help: "How much longer: \"+365 days\" or 365d.")
    var by: String?

    @Option(help: "Where the days are counted from: expiry, now, or now_if_expired. (default: expiry)")
    var from: String?

    @Option(help: "The last valid day instead, YYYY-MM-DD (UTC), or never; it may be earlier than before.")
    var expires: String?

    @OptionGroup var state: LicenseStateOptions

    func validate() throws {
        guard (by == nil) != (expires == nil), from == nil || by != nil else {
            throw ValidationError("say either --by, with --from or without, or --expires")
        }
    }

    func run() async throws {
        try await state.run("renew") { json in
            json.member("by", by)
            json.member("from", from?.replacing("-", with: "_"))
            json.member("expires", expires)
        }
    }
}

struct LicenseTransfer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transfer", abstract: "Gives a license to another customer; its installations stay.")

    @Option(name: .customLong("to"), parsing: .unconditional, help: "The number of the other customer.")
    var customer: Int

    @OptionGroup var state: LicenseStateOptions

    func run() async throws { try await state.run("transfer") { $0.member("customer_id", Int64(customer)) } }
}

struct LicenseMerge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Makes one installation of two domains, after a site got another name.")

    @Option(help: "The domain whose seats end.")
    var from: String

    @Option(help: "The domain that their addresses go to.")
    var into: String

    @OptionGroup var state: LicenseStateOptions

    func run() async throws {
        try await state.run("merge") { json in
            json.member("from", from)
            json.member("into", into)
        }
    }
}

// MARK: - Printing

enum LicenseStatePrinting {
    static func print(_ license: JSONObject) {
        let before = license["before"]?.objectValue ?? JSONObject()
        Output.card(
            [
                ("License", license.text("id")),
                ("Customer", change(before.text("customer_id"), license.text("customer_id"))),
                ("Status", change(before.text("status"), license.text("status"))),
                ("Expires", change(before.text("expires_at") ?? "never", license.text("expires_at") ?? "never")),
                ("Activations", license.seats),
            ] + lines(of: license) + released(license) + ends(license))
    }

    /// What suspends a license, and that it was revoked: lines of a card.
    static func lines(of license: JSONObject) -> [(label: String, value: String?)] {
        let holds = license["suspension"]?.arrayValue?.compactMap(\.objectValue) ?? []
        let revocation = license["revocation"]?.objectValue
        return holds.map { line("Suspended", $0, "since") } + (revocation.map { [line("Revoked", $0, "at")] } ?? [])
    }

    private static func line(
        _ label: String, _ mark: JSONObject, _ since: String
    ) -> (label: String, value: String?) {
        (label, self.mark(mark, since: since))
    }

    /// `by operator since 2026-11-23T12:00:00Z (token:support): sends spam`
    private static func mark(_ mark: JSONObject, since: String) -> String? {
        let who = "by \(mark.text("by") ?? "-") \(since) \(mark.text(since) ?? "-") (\(mark.text("actor") ?? "-"))"
        return who + (mark.text("reason").map { ": \($0)" } ?? "")
    }

    private static func change(_ before: String?, _ after: String?) -> String? {
        guard let before, let after, before != after else { return after }
        return "\(before) → \(after)"
    }

    private static func released(_ license: JSONObject) -> [(label: String, value: String?)] {
        (license["released"]?.arrayValue ?? []).compactMap(\.objectValue).map { seat in
            ("Merged", "\(seat.text("id") ?? "-"), \(seat.text("domain") ?? "-")")
        }
    }

    private static func ends(_ license: JSONObject) -> [(label: String, value: String?)] {
        guard let ends = license["ends"]?.objectValue else { return [] }
        func count(_ name: String, _ what: String) -> String? {
            guard let number = ends[name]?.integerValue, number > 0 else { return nil }
            return "\(number) \(what)\(number == 1 ? "" : "s")"
        }
        return [
            ("Ends", (count("activations", "installation") ?? "no installation") + ", at the next check"),
            ("", ends.text("tokens_until").map { "the last token at \($0), where no check is made" }),
            (
                "",
                ends.text("license_files_until").map {
                    "the last license file at \($0), or where the list of revoked licenses comes"
                }
            ),
            ("", count("offline_keys", "offline key").map { "\($0), where the list of revoked licenses comes" }),
        ]
    }
}
