import Foundation
import Secrets
import SignetApp

/// Where a command takes a passphrase from: a file that was named, else the environment, else the terminal. Never from
/// an argument, which every user of the machine can read.
struct PassphraseInput {
    /// Bytes of a line typed at the terminal.
    private static let lineBytesMax = 2048

    /// What is asked at the terminal, such as `Passphrase of the root key`.
    let prompt: String
    /// Variable of the environment that may hold it.
    let variable: String
    /// Path given as an option.
    let file: String?

    /// The passphrase. `isNew` asks for it twice at the terminal. Throws `CommandFailure`.
    func read(isNew: Bool = false) throws -> Passphrase {
        do {
            if let file { return try Passphrase(fileAt: file) }
            if let text = ProcessInfo.processInfo.environment[variable] { return try Passphrase(text) }
            let typed = try ask(prompt)
            let passphrase = try Passphrase(typed)
            if isNew, try ask("The same again") != typed {
                throw CommandFailure(status: .usage, message: "the two passphrases differ")
            }
            return passphrase
        } catch let failure as Passphrase.Failure {
            throw CommandFailure(status: .usage, message: failure.description)
        }
    }

    /// One line from the terminal, which does not show it. Throws `CommandFailure` without a terminal.
    private func ask(_ prompt: String) throws -> String {
        guard let terminal = fopen("/dev/tty", "r+") else {
            throw CommandFailure(
                status: .usage, message: "a passphrase is needed: give a file, set \(variable), or use a terminal")
        }
        defer { fclose(terminal) }
        fputs("\(prompt): ", terminal)
        fflush(terminal)
        var line = [CChar](repeating: 0, count: Self.lineBytesMax)
        let typed = withoutEcho(fileno(terminal)) { fgets(&line, Int32(line.count), terminal) != nil }
        fputs("\n", terminal)
        guard typed, let end = line.firstIndex(of: CChar(bitPattern: UInt8(ascii: "\n"))) else {
            throw CommandFailure(status: .usage, message: "no passphrase was typed")
        }
        return String(decoding: line[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func withoutEcho<Value>(_ descriptor: Int32, _ body: () -> Value) -> Value {
        var before = termios()
        guard tcgetattr(descriptor, &before) == 0 else { return body() }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(descriptor, TCSAFLUSH, &silent)
        defer { tcsetattr(descriptor, TCSAFLUSH, &before) }
        return body()
    }
}
