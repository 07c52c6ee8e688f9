package import Hummingbird
package import Licensing
import NIOCore
import Primitives

/// What monitors may ask, on a listener of its own that stays inside: numbers and signs of life, nothing about any
/// license.
package struct AdminAPI: Sendable {
    private let licensing: LicensingService
    private let others: @Sendable () -> [MetricFamily]

    /// `others`: metrics of what is around licensing, asked for at each scrape.
    package init(licensing: LicensingService, others: @escaping @Sendable () -> [MetricFamily]) {
        self.licensing = licensing
        self.others = others
    }

    /// The router that answers all of it.
    package func router() -> Router<ClientContext> {
        var routes = Routes()
        routes.add(.get, "/metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: await metrics().prometheusText)))
        }
        routes.addSignsOfLife(of: licensing)
        return routes.router(.local)
    }

    /// Everything that is watched. A database that cannot be read now takes its own number away, and no other.
    private func metrics() async -> [MetricFamily] {
        var families = licensing.statistics.metrics
        // Left out while the database fails, which /readyz tells.
        if let sequence = try? await licensing.journalSequence() {
            families.append(
                MetricFamily("signet_journal_sequence", .gauge, "Number of the last event.", Int(sequence)))
        }
        return families + others()
    }
}

extension Routes {
    /// Whether the process answers, and whether it can store anything.
    mutating func addSignsOfLife(of licensing: LicensingService) {
        add(.get, "/healthz") { _, _ in .json(Array(#"{"status":"ok"}"#.utf8)) }
        add(.get, "/readyz") { _, _ in
            try await licensing.checkReady()
            return .json(
                JSONWriter.object { json in
                    json.member("status", "ready")
                    guard let feed = licensing.feedStatus else { return }
                    json.member("feed") { json in
                        json.member("position", feed.position)
                        json.member("age_ms", feed.age.wholeMilliseconds)
                    }
                })
        }
    }
}
