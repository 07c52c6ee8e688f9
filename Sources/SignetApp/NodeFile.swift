import Cluster
import Foundation
import Logging
import Primitives

/// The file `node` in the data directory: one line with the id under which the server that owns the directory is known
/// to others, so that after a restart it is the same node.
enum NodeFile {
    private static let name = "node"

    /// The id in `directory`; a new one is put there when there is none that can be read.
    static func id(in directory: String, _ logger: Logger) -> NodeID {
        let path = directory + "/" + name
        // A file that cannot be read names nobody: another takes its place.
        let text = try? String(contentsOfFile: path, encoding: .utf8)
        if let id = text.flatMap({ NodeID(text: $0.trimmingCharacters(in: .newlines)) }) { return id }
        let id = NodeID.random()
        do {
            try "\(id)\n".write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            logger.warning(
                "the node's id was not stored; after a restart it is another node", metadata: ["path": "\(path)"])
        }
        return id
    }

    /// The machine's name, as it calls itself.
    static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
