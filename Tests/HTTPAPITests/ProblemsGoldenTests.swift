import Access
import Customers
import Database
import Foundation
import HTTPTypes
import Hummingbird
import TestSupport
import Testing
import Upkeep

@testable import HTTPAPI
@testable import Licensing
@testable import Primitives

/// Every problem that the outside can be told, as `Golden/problems.txt` publishes them.
@Suite("The problems of the golden list")
struct ProblemsGoldenTests {
    @Test("are those of every error that has one, and no others")
    func goldenList() throws {
        let text = Self.header + Self.problems.map { Self.line($0.cause, $0.problem) }.sorted().joined()
        #expect(try text == Golden.text("problems.txt", actual: text))
    }

    @Test("cover every type that is a problem")
    func goldenListHasEveryType() throws {
        let conforming = try Self.sources().flatMap { source in
            source.matches(of: #/extension ([\w.]+): ProblemConvertible/#).map { String($0.1) }
        }
        #expect(Set(conforming) == Set(Self.problems.map(\.type)).subtracting(["Problem"]))
    }

    @Test("cover every code that the sources write")
    func goldenListHasEveryCode() throws {
        let written = try Self.sources().flatMap { source in
            source.matches(of: #/Problem\(\s*\.\w+, "([^"\\]+)"/#).map { String($0.1) }
        }
        #expect(written.count > 20)
        let known = Set(Self.problems.map(\.problem.code))
        #expect(Set(written).subtracting(known).isEmpty)
    }

    @Test("have codes and titles that are fit to be published")
    func goldenListIsPublishable() {
        var titles: [String: Set<String>] = [:]
        for (_, _, problem) in Self.problems {
            #expect(problem.code.wholeMatch(of: #/[a-z][a-z0-9_]*/#) != nil)
            #expect(problem.title.hasSuffix("."))
            titles[problem.code, default: []].insert("\(problem.status.code)")
        }
        #expect(titles.filter { $0.value.count > 1 }.isEmpty, "a code has one status")
    }

    @Test("are rendered with every member, whatever they lack")
    func rendering() throws {
        var problem = Problem(
            .badRequest, "sample", "A \"sample\".", detail: "Tab\there.",
            violations: [.init(member: "domain", reason: "is none")], retryAfterSeconds: 7)
        problem.allowedMethods = ["GET", "HEAD"]
        let text = String(decoding: problem.json(instance: "urn:signet:request:1"), as: UTF8.self)
        #expect(
            text == #"{"type":"urn:signet:problem:sample","title":"A \"sample\".","status":400,"#
                + #""detail":"Tab\u0009here.","instance":"urn:signet:request:1","code":"sample","#
                + #""violations":[{"member":"domain","reason":"is none"}]}"#)
        let response = problem.response(instance: "urn:signet:request:1")
        #expect(response.status == .badRequest)
        #expect(response.headers[.contentType] == "application/problem+json")
        #expect(response.headers[.retryAfter] == "7")
        #expect(response.headers[.allow] == "GET, HEAD")
        #expect(response.headers[.connection] == nil)
        #expect(Problem.bodyTooLarge(max: 1).response(instance: "").headers[.connection] == "close")
    }

    @Test("never tell what the database said")
    func databaseWording() {
        for error in DatabaseError.samples {
            let text = String(decoding: error.problem.json(instance: "i"), as: UTF8.self)
            #expect(!text.contains(DatabaseError.secret), "\(error)")
        }
    }
}

// MARK: - The list

extension ProblemsGoldenTests {
    private static let header = """
        # Every problem document (RFC 9457) that the API answers with, by status and code: what a program can rely on.
        # Titles and details are for people and may change. `retry` is Retry-After in seconds, * where it varies.
        # status code | title | retry | cause

        """

    private static func line(_ cause: String, _ problem: Problem) -> String {
        let retry = problem.retryAfterSeconds.map { $0 == varying ? "*" : String($0) } ?? "-"
        return "\(problem.status.code) \(problem.code) | \(problem.title) | \(retry) | \(cause)\n"
    }

    /// A Retry-After that depends on the case.
    private static let varying: Int64 = 99

    private typealias Entry = (type: String, cause: String, problem: Problem)

    private static let problems: [Entry] = refusals + accidents + own

    /// What may be refused.
    private static var refusals: [Entry] {
        var list: [Entry] = AccessRefusal.samples.map { ("AccessRefusal", name($0), $0.problem) }
        list += IdempotencyRefusal.samples.map { ("IdempotencyRefusal", name($0), $0.problem) }
        list += CustomerRefusal.samples.map { ("CustomerRefusal", name($0), $0.problem) }
        list += LicensingRefusal.samples.map { ("LicensingRefusal", name($0), $0.problem) }
        list += LicenseKeyRefusal.samples.map { ("LicenseKeyRefusal", name($0), $0.problem) }
        list += OfflineRefusal.samples.map { ("OfflineRefusal", name($0), $0.problem) }
        list += TransitionRefusal.samples.map { ("TransitionRefusal", name($0), $0.problem) }
        list += SigningKeyRefusal.samples.map { ("SigningKeyRefusal", name($0), $0.problem) }
        list += BackupFailure.samples.map { failure in
            ("BackupFailure", failure == .busy ? "BackupFailure.busy" : name(failure), failure.problem)
        }
        list += JSONReader.Failure.samples.map { ("JSONReader.Failure", name($0.reason), $0.problem) }
        list.append(("InvalidInput", "InvalidInput", InvalidInput("domain", "is none").problem))
        list.append(("TokenRefused", "TokenRefused", TokenRefused(code: "wrong_license").problem))
        list.append(("SeatHeld", "SeatHeld", SeatHeld(until: ManualClock.start).problem))
        return list
    }

    /// What may go wrong.
    private static var accidents: [Entry] {
        var list: [Entry] = DatabaseError.samples.map { ("DatabaseError", name($0), $0.problem) }
        let guesses = InstallerWatch.TooManyGuesses(retryAfterSeconds: varying)
        list.append(("InstallerWatch.TooManyGuesses", "TooManyGuesses", guesses.problem))
        let limited = Validator.NewcomersLimited(retryAfterSeconds: varying)
        list.append(("Validator.NewcomersLimited", "NewcomersLimited", limited.problem))
        list.append(("SeatQueue.Overloaded", "Overloaded", SeatQueue.Overloaded(retryAfterSeconds: varying).problem))
        list.append(("MemoryTooOld", "MemoryTooOld", MemoryTooOld(retryAfterSeconds: varying).problem))
        return list
    }

    /// Problems that are no error of the parts below.
    private static var own: [Entry] {
        let list: [(String, Problem)] = [
            ("parameter", InvalidParameter.problem("page", "must be a whole number")),
            ("unmapped error", .internalError), ("unknown path", .notFound), ("no answer in time", .overdue),
            ("framing", .malformedRequest), ("header over its limits", .headerTooLarge),
            ("wrong method", .methodNotAllowed(allowed: ["POST"])),
            ("body over its limit", .bodyTooLarge(max: PublicAPI.bodyBytesMax)),
            ("content type", .unsupportedMediaType), ("no body", .bodyMissing), ("no object", .bodyNotObject("array")),
            ("unknown product", .notFoundHere("product")), ("unknown customer", .notFoundHere("customer")),
            ("scope", .insufficientScope(.licensesRead)), ("no token", .tokenMissing),
            ("token of nobody", .tokenInvalid("The token is expired.")),
            ("wrong tokens", .tooManyFailures(retryAfterSeconds: varying)),
            ("no signed key set", .keySetNotSigned),
            ("If-Match", .preconditionFailed(current: 2)), ("unknown product", .notFoundHere("product")),
            ("unknown customer", .notFoundHere("customer")),
        ]
        return list.map { ("Problem", $0.0, $0.1) }
    }

    /// `LicensingRefusal.productUnknown`, without what it carries.
    private static func name(_ value: some Any) -> String {
        let name = Mirror(reflecting: value).children.first?.label ?? "\(value)"
        return "\(type(of: value)).\(name)"
    }

    private static func sources() throws -> [String] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/HTTPAPI").standardizedFileURL.resolvingSymlinksInPath()
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        let swift = (files?.allObjects as? [URL] ?? []).filter { $0.pathExtension == "swift" }
        return try swift.map { try String(contentsOf: $0, encoding: .utf8) }
    }
}

// MARK: - One sample of each case

/// A kind of error whose cases are walked through by `next`, a switch: a case that is added does not build until it has
/// its place.
protocol Sampled {
    static var firstSample: Self { get }
    var next: Self? { get }
}

extension Sampled {
    static var samples: [Self] { Array(sequence(first: firstSample, next: \.next)) }
}

extension AccessRefusal: Sampled {
    static var firstSample: Self { .tokenUnknown }

    var next: Self? {
        switch self {
        case .tokenUnknown: Slug("ci").map { .tokenExists($0) }
        case .tokenExists: nil
        }
    }
}

extension IdempotencyRefusal: Sampled {
    static var firstSample: Self { .keyReused }

    var next: Self? {
        switch self {
        case .keyReused: .inFlight
        case .inFlight: nil
        }
    }
}

extension CustomerRefusal: Sampled {
    static var firstSample: Self { .idTaken(.sample) }

    var next: Self? {
        switch self {
        case .idTaken: .referenceTaken("whmcs-7")
        case .referenceTaken: nil
        }
    }
}

extension CustomerID {
    fileprivate static var sample: CustomerID {
        guard let id = CustomerID(123) else { preconditionFailure("123 is a customer's number") }
        return id
    }
}

extension LicensingRefusal: Sampled {
    static var firstSample: Self { .licenseUnknown }

    var next: Self? {
        switch self {
        case .licenseUnknown: Slug("whm-panel").map { .productExists($0) }
        case .productExists: .productUnknown("whm-panel")
        case .productUnknown: .recountNeeded(seats: 3)
        case .recountNeeded: .customerUnknown("123")
        case .customerUnknown: .customerClosed("123")
        case .customerClosed: .expiryInPast(ManualClock.start.date)
        case .expiryInPast: .installationUnknown
        case .installationUnknown: .licenseRevoked
        case .licenseRevoked: .endBeforeBeginning
        case .endBeforeBeginning: .versionChanged(current: 2)
        case .versionChanged: nil
        }
    }
}

extension LicenseKeyRefusal: Sampled {
    static var firstSample: Self { .licenseRevoked }

    var next: Self? {
        switch self {
        case .licenseRevoked: .tooManyKeys(max: 32)
        case .tooManyKeys: nil
        }
    }
}

extension OfflineRefusal: Sampled {
    static var firstSample: Self { .notInForce(.suspended) }

    var next: Self? {
        switch self {
        case .notInForce: .noSeat(.activationLimit)
        case .noSeat: .developmentHost
        case .developmentHost: .notStarted
        case .notStarted: .otherKey(last4: "3MXE")
        case .otherKey: .otherProduct("whm-panel")
        case .otherProduct: .numbersUsedUp(.feature)
        case .numbersUsedUp: .instantOutOfRange
        case .instantOutOfRange: nil
        }
    }
}

extension TransitionRefusal: Sampled {
    static var firstSample: Self { .revoked }

    var next: Self? {
        let today = ManualClock.start.date
        return switch self {
        case .revoked: .neverExpires
        case .neverExpires: .notStarted
        case .notStarted: .endsEarlier(today)
        case .endsEarlier: .endsInPast(today)
        case .endsInPast: .endsBeforeStart(ManualClock.start)
        case .endsBeforeStart: .tooFarAhead(today)
        case .tooFarAhead: nil
        }
    }
}

extension SigningKeyRefusal: Sampled {
    static var firstSample: Self { .unknown("kPrK_qmx") }

    var next: Self? {
        let start = ManualClock.start
        return switch self {
        case .unknown: .alreadyRevoked("kPrK_qmx")
        case .alreadyRevoked: .notLongEnough("kPrK_qmx", from: start)
        case .notLongEnough: .notListed("kPrK_qmx")
        case .notListed: .rotationPending("kPrK_qmx", from: start)
        case .rotationPending: .timeInPast(start)
        case .timeInPast: .timeTooFar(start)
        case .timeTooFar: .stillNeeded("kPrK_qmx", .verifying)
        case .stillNeeded: .changedMeanwhile
        case .changedMeanwhile: .keySetOutdated
        case .keySetOutdated: .keySetRefused("bad_signature")
        case .keySetRefused: .rootDiffers("kPrK_qmx")
        case .rootDiffers: .noPassphrase
        case .noPassphrase: .notEverywhere("kPrK_qmx", nodes: ["west 192.0.2.2:8080"])
        case .notEverywhere: .fileMissing("kPrK_qmx")
        case .fileMissing: nil
        }
    }
}

extension BackupFailure: Sampled {
    static var firstSample: Self { .outputExists(path: "/backups/a.tar") }

    /// Those that a server meets; the others are a restore's.
    var next: Self? {
        switch self {
        case .outputExists: .outputUnwritable(path: "/backups/a.tar", reason: "No space left on device")
        case .outputUnwritable: .unreadable(path: "/keys/data-1", reason: "Permission denied")
        case .unreadable: .busy
        case .busy, .malformed, .altered, .newerFormat, .databaseSwapped, .notOpened, .targetNotEmpty, .targetShared,
            .damaged:
            nil
        }
    }
}

extension DatabaseError: Sampled {
    static let secret = "licenses.status_index"
    static var firstSample: Self { .conflict(detail: secret) }

    var next: Self? {
        switch self {
        case .conflict: .unavailable(detail: Self.secret)
        case .unavailable: .unknownOutcome(detail: Self.secret)
        case .unknownOutcome: .failed(detail: Self.secret)
        case .failed: .corrupt(detail: Self.secret)
        case .corrupt: .foreign(detail: "application_id 4711")
        case .foreign: .newer(required: 900, known: 5)
        case .newer: .statement(detail: Self.secret)
        case .statement: nil
        }
    }
}

extension JSONReader.Failure: Sampled {
    static var firstSample: Self { Self(reason: .empty, offset: 3) }

    var next: Self? {
        let reason: Reason? =
            switch self.reason {
            case .empty: .syntax
            case .syntax: .invalidUTF8
            case .invalidUTF8: .tooDeep
            case .tooDeep: .duplicateMember("domain")
            case .duplicateMember: .tooManyMembers
            case .tooManyMembers: .trailingBytes
            case .trailingBytes: nil
            }
        return reason.map { Self(reason: $0, offset: 3) }
    }
}
