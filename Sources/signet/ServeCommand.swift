import ArgumentParser
import Database
import SignetApp

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Serves until it is told to stop.")

    @OptionGroup var options: GlobalOptions

    @Option(help: "Where the public API listens, ADDRESS:PORT; port 0 takes a free one. (default: 127.0.0.1:8080)")
    var listen: String?

    @Option(
        name: .customLong("listen-admin"),
        help: "Where metrics are told, ADDRESS:PORT, or none. (default: 127.0.0.1:8081)")
    var listenAdmin: String?

    @Flag(help: "Load demonstration data into an empty database and print a request to try.")
    var demo = false

    func run() async throws {
        let settings = try options.settings(["listen": listen, "listen-admin": listenAdmin])
        let signet = try await open(settings)
        do {
            try await serve(signet)
        } catch {
            try? await signet.close()  // the first error is the one to tell
            throw error
        }
        try await signet.close()
    }

    private func serve(_ signet: Signet) async throws {
        let key = demo ? try await DemoData.load(into: signet) : nil
        try await Server(signet).run(
            onReady: { listen in
                Output.complain("serving http://\(listen)")
                if let key { print("\nTry:\n\n\(DemoData.curlCommand(key, listen: listen))\n") }
                Output.flush()
            },
            onAdminReady: { Output.complain("metrics at http://\($0)/metrics") })
    }

    private func open(_ settings: Settings) async throws -> Signet {
        do {
            return try await Signet.open(
                settings, command: "signet serve", serves: true, logger: GlobalOptions.logger(settings.logLevel))
        } catch let held as DataDirectoryLock.Held {
            throw CommandFailure(status: .unavailable, message: "\(held.path) is held by \(held.holder)")
        }
    }
}
