import ArgumentParser
import Foundation
import SignetApp

/// The command line: `signet COMMAND …`, also in the guide's spelling `signet license:generate …`.
struct SignetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signet",
        abstract: "License validation and activation service.",
        discussion: """
            With a server running, every command goes to it over its Unix socket; without one, the command runs the \
            application itself. Results are on standard output, messages on standard error.
            Exit status: 0 done or valid, 1 a negative answer, 2 wrong usage, 3 unavailable or failed.
            """,
        version: Signet.version,
        subcommands: [
            ServeCommand.self, ProductCommand.self, CustomerCommand.self, LicenseCommand.self, KeysCommand.self,
            TokenCommand.self, AdminTokenCommand.self, AuditCommand.self, DbCommand.self,
            NodeCommand.self,
        ])
}

@main
enum Main {
    static func main() async {
        // Whatever this process creates, data or socket, is its owner's alone.
        umask(0o077)
        do {
            var command = try SignetCommand.parseAsRoot(words(CommandLine.arguments.dropFirst()))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            leave(for: error)
        }
    }

    /// `license:generate` means `license generate`; only the command itself is read so.
    private static func words(_ arguments: ArraySlice<String>) -> [String] {
        guard let first = arguments.first, !first.hasPrefix("-") else { return Array(arguments) }
        return first.split(separator: ":").map(String.init) + arguments.dropFirst()
    }

    private static func leave(for error: any Error) -> Never {
        if let failure = error as? CommandFailure {
            Output.complain(failure.message)
            exit(failure.status.rawValue)
        }
        if error is ExitCode || SignetCommand.exitCode(for: error) == .success { SignetCommand.exit(withError: error) }
        if SignetCommand.exitCode(for: error) == .validationFailure {
            Output.complain(SignetCommand.fullMessage(for: error), prefix: "")
            exit(ExitStatus.usage.rawValue)
        }
        Output.complain("\(error)")
        exit(ExitStatus.unavailable.rawValue)
    }
}

/// A command that ends with a message and a status.
struct CommandFailure: Error {
    let status: ExitStatus
    let message: String
}
