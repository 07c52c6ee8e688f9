package import Database
import HTTPAPI
package import Licensing
package import Logging
package import Secrets

/// Everything that differs between installations of Signet, checked.
package struct Settings: Sendable, Equatable {
    /// Where the public listener is bound.
    package struct Listen: Sendable, Equatable, CustomStringConvertible {
        package let host: String
        /// 0 takes a free one.
        package let port: Int

        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    /// Where everything is stored.
    package enum Storage: Sendable, Equatable {
        /// One file, of one process; nil for `signet.db` in `data`.
        case sqlite(path: String?)
        /// A server that any number of processes share.
        case postgreSQL(PostgreSQLAddress)
    }

    package var listen = Listen(host: "127.0.0.1", port: 8080)
    /// Where metrics are told; nil for nowhere.
    package var listenAdmin: Listen? = Listen(host: "127.0.0.1", port: 8081)
    /// Directory of the database, its lock and the command line's socket.
    package var data = "data"
    /// Directory of the secrets.
    package var keys = "Keys"
    /// Path of a file with the passphrase that opens sealed signing keys.
    package var keysPassphraseFile: String?
    /// That passphrase, from the file or the environment; nil seals nothing and opens nothing sealed.
    package var keysPassphrase: Passphrase?
    package var database = Storage.sqlite(path: nil)
    /// Connections of this process to a server of databases at most.
    package var databaseConnectionsMax = PostgreSQLDriver.connectionsMaxDefault
    package var issuer = "signet"
    package var defaultProduct: String?
    package var trustedProxies: [AddressRange] = []
    package var connectionsMax = 20_000
    package var connectionsPerClientMax = ConnectionCensus.perClientMaxDefault
    package var connectionsPerProxyMax = ConnectionCensus.perProxyMaxDefault
    package var writeQueueMax = SeatQueue.depthMaxDefault
    /// Keys that open nothing which one client may try at once; 0 for no limit.
    package var guessesPerClientMax = GuessLimit.burstDefault
    package var logLevel = Logger.Level.info

    package init() {}
}

extension Settings {
    /// The SQLite file that was chosen by its path.
    package var databasePath: String? {
        if case .sqlite(let path) = database { path } else { nil }
    }

    package var sqlitePath: String { databasePath ?? data + "/signet.db" }

    /// Whether other processes may write to the same database.
    package var isShared: Bool {
        if case .postgreSQL = database { true } else { false }
    }

    /// The database as messages name it, without a password.
    package var databaseName: String {
        switch database {
        case .sqlite: sqlitePath
        case .postgreSQL(let address): address.description
        }
    }

    /// The directory that one server may hold: the one the database file is in, or where its socket is.
    package var stateDirectory: String {
        guard let databasePath else { return data }
        guard let slash = databasePath.lastIndex(of: "/") else { return "." }
        return slash == databasePath.startIndex ? "/" : String(databasePath[..<slash])
    }

    package var lockPath: String { stateDirectory + "/signet.lock" }

    package var socketPath: String { stateDirectory + "/signet.sock" }
}
