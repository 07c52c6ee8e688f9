import ArgumentParser
import Primitives
import SignetApp

struct LicenseDeactivate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deactivate", abstract: "Releases seats: of a domain, an address, an installation, or all.")

    @Argument(help: "The license key or id (lic_…).")
    var license: String

    @Option(help: "Release the seats of this domain.")
    var domain: String?

    @Option(help: "Release the seats that were used from this address; with --domain, only those of the domain.")
    var ip: String?

    @Option(name: .customLong("installation-id"), help: "Release the seat of this installation.")
    var installationID: String?

    @Flag(help: "Release all seats.")
    var all = false

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object { json in
            json.member("domain", domain)
            json.member("ip_address", ip)
            json.member("installation_id", installationID)
            json.member("all", all)
            change.write(to: &json)
        }
        let answer = try await options.withClient { client in
            let id = try await client.licenseID(license)
            return try await client.post("/api/v1/licenses/\(id.urlSegment)/deactivate", body).required()
        }
        if options.json { Output.json(answer.body) } else { Self.print(answer) }
        change.remind()
    }

    private static func print(_ answer: OperatorClient.Answer) {
        let released = answer.json.objectValue?["released"]?.arrayValue?.compactMap(\.objectValue) ?? []
        for seat in released {
            let identity = seat.text("domain") ?? seat.text("network") ?? seat.text("installation_id") ?? "-"
            Swift.print("Released \(seat.text("id") ?? "-"), \(identity)")
        }
        Swift.print("\(answer.json.objectValue?["current_activations"]?.integerValue ?? 0) seats are taken now.")
    }
}
