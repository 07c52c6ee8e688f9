import Licensing
import Primitives
import Testing

@Suite("The standing of a license in WHMCS")
struct WHMCSStandingTests {
    @Test("becomes what the table says", arguments: TextTable("whmcs.txt").rows)
    func becomes(row: TextTable.Row) throws {
        let standing = try row.standing.imported(suspendAfterDays: row["days"] == "-" ? nil : Int(row["days"]))
        #expect(standing.hold.text == row["hold"])
        #expect(standing.end.text == row["end"])
        #expect(standing.keepsLocations == (row["places"] == "yes"))
    }

    @Test("has rows in the table for every state of either kind")
    func isComplete() throws {
        let rows = TextTable("whmcs.txt").rows
        #expect(Set(rows.map { $0["service"] }) == Set(WHMCSStanding.Service.allCases.map(\.rawValue)))
        #expect(Set(rows.map { $0["license"] }) == Set(WHMCSStanding.License.allCases.map(\.rawValue)))
    }

    @Test("that has ended on an unknown day ended yesterday at the latest, and stays where it ended")
    func past() throws {
        let today = try #require(CivilDate(text: "2026-11-25"))
        let (yesterday, due) = (today.adding(days: -1), today.adding(days: -30))
        let end = ImportedStanding.End.past(nil)
        #expect(end.lastDay(known: nil, today: today) == yesterday)
        #expect(ImportedStanding.End.past(due).lastDay(known: nil, today: today) == due)
        #expect(ImportedStanding.End.past(today.adding(days: 9)).lastDay(known: nil, today: today) == yesterday)
        #expect(end.lastDay(known: due, today: today) == due)
        #expect(end.lastDay(known: today, today: today) == yesterday)
    }
}

extension TextTable.Row {
    fileprivate var standing: WHMCSStanding {
        get throws {
            let exemption: WHMCSStanding.Exemption? =
                switch self["exempt"] {
                case "-": nil
                case "always": .always
                default: .until(try #require(CivilDate(text: self["exempt"])))
                }
            return WHMCSStanding(
                license: try #require(WHMCSStanding.License(rawValue: self["license"])),
                service: try #require(WHMCSStanding.Service(rawValue: self["service"])),
                nextDue: CivilDate(text: self["due"]), suspendReason: self["reason"].isEmpty ? nil : self["reason"],
                exemption: exemption)
        }
    }
}

extension ImportedStanding.Hold {
    fileprivate var text: String {
        switch self {
        case .nothing: "-"
        case .billing(let reason): "billing \(reason)"
        case .operator(let reason): "operator \(reason)"
        case .revoked(let reason): "revoked \(reason)"
        }
    }
}

extension ImportedStanding.End {
    fileprivate var text: String {
        switch self {
        case .never: "never"
        case .through(let day): day.description
        case .past(let day): (["past"] + (day.map { [$0.description] } ?? [])).joined(separator: " ")
        }
    }
}
