import Logging
import Synchronization

/// Every line that a logger of a test wrote.
final class LogRecorder: Sendable {
    struct Line: Sendable {
        let level: Logger.Level
        let message: String
        let metadata: Logger.Metadata

        /// All of it, as a log file would hold it.
        var text: String { "\(level) \(message) \(metadata)" }
    }

    private let recorded = Mutex([Line]())

    var lines: [Line] { recorded.withLock { $0 } }

    /// What somebody has to look at.
    var complaints: [Line] { lines.filter { $0.level >= .warning } }

    var handler: some LogHandler { Handler(recorder: self) }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = metadata.merging(event.metadata ?? [:]) { $1 }
            recorder.recorded.withLock {
                $0.append(Line(level: event.level, message: "\(event.message)", metadata: metadata))
            }
        }
    }
}
