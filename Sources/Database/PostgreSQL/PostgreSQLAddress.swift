import CPQ

/// Where a PostgreSQL database is: `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME?sslmode=verify-full…`, with all
/// parameters of libpq (PostgreSQL 15 manual, §34.1.2).
package struct PostgreSQLAddress: Sendable, Equatable {
    package static let schemes = ["postgres://", "postgresql://"]

    /// Why a text is no address. Never holds the text, which may hold a password.
    package struct Malformed: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// By name, as libpq reads them from the text; what is not given is not there.
    let parameters: [String: String]

    /// Throws `Malformed`.
    package init(_ text: String) throws(Malformed) {
        guard Self.schemes.contains(where: text.hasPrefix) else {
            throw Malformed(description: "it must begin with \(Self.schemes[0])")
        }
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &message) else {
            defer { PQfreemem(message) }
            throw Malformed(description: message.map { String(cString: $0).firstLine } ?? "it cannot be read")
        }
        defer { PQconninfoFree(options) }
        var parameters: [String: String] = [:]
        var option = options
        while let name = option.pointee.keyword {
            if let value = option.pointee.val { parameters[String(cString: name)] = String(cString: value) }
            option += 1
        }
        self.parameters = parameters
    }

    /// Without the password: `postgres://signet@10.0.0.1:5432,10.0.0.2:5432/signet`.
    package var description: String {
        let hosts = (parameters["host"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
        let ports = (parameters["port"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
        let places = hosts.enumerated().map { index, host in
            let port = ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : ""
            return port.isEmpty ? String(host) : "\(host):\(port)"
        }
        let user = parameters["user"].map { "\($0)@" } ?? ""
        return "postgres://\(user)\(places.joined(separator: ","))/\(parameters["dbname"] ?? "")"
    }
}

extension PostgreSQLAddress: CustomStringConvertible {}

extension PostgreSQLAddress {
    /// Seconds for one host to accept a connection.
    private static let connectSeconds = 5
    /// Silence on a connection, in seconds, before its other end is asked whether it is there; and how often, how long.
    private static let (idleSeconds, probeSeconds, probes) = (5, 2, 3)
    /// Milliseconds that sent bytes may stay unconfirmed: a host that is gone is noticed within them.
    private static let unconfirmedMilliseconds = 10_000
    /// Milliseconds that a statement waits for a lock, on the server: less than a client waits for us.
    private static let lockMilliseconds = 5_000
    /// Milliseconds that a transaction may stand still, on the server: a node that was stopped in the middle of one
    /// holds its locks no longer. No statement is ever timed out there: the COMMIT would be too, and a canceled wait
    /// for the standby leaves a commit that may be lost (reliability notes §4.3).
    private static let idleInTransactionMilliseconds = 5_000
    /// Milliseconds after which the server looks whether the client of a long statement is still there.
    private static let clientCheckMilliseconds = 5_000

    /// All parameters, ours added where the address says nothing.
    var connectionParameters: [String: String] {
        var all: [String: String] = [
            "application_name": "signet", "connect_timeout": "\(Self.connectSeconds)",
            "keepalives_idle": "\(Self.idleSeconds)", "keepalives_interval": "\(Self.probeSeconds)",
            "keepalives_count": "\(Self.probes)", "tcp_user_timeout": "\(Self.unconfirmedMilliseconds)",
            "target_session_attrs": "read-write",
        ]
        all.merge(parameters) { $1 }
        all["client_encoding"] = "UTF8"
        let ours = [
            "lock_timeout": Self.lockMilliseconds,
            "idle_in_transaction_session_timeout": Self.idleInTransactionMilliseconds,
            "client_connection_check_interval": Self.clientCheckMilliseconds,
            "statement_timeout": 0,
        ]
        let options = ours.sorted { $0.key < $1.key }.map { "-c \($0.key)=\($0.value)" }
        all["options"] = ([parameters["options"]].compactMap { $0 } + options).joined(separator: " ")
        return all
    }
}

extension String {
    /// Messages of libpq have several lines; the first says what is wrong.
    var firstLine: String { String(split(separator: "\n", maxSplits: 1).first ?? "") }
}
