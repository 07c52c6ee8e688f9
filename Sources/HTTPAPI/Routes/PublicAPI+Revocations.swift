import HTTPTypes
import Hummingbird
import Licensing
import NIOCore

extension PublicAPI {
    /// How long a list may be served again without asking: it changes with the next revocation.
    private static let cachingOfLists = "public, max-age=300, stale-if-error=604800"

    /// The signed list of revoked licenses.
    func addRevocations(to routes: inout Routes) {
        routes.add(.get, RevocationPublisher.path, revocations)
    }

    @Sendable
    private func revocations(_ request: Request, _ context: ClientContext) async throws -> Response {
        let edition = licensing.revocations.edition
        var headers: HTTPFields = [.eTag: edition.tag, .cacheControl: Self.cachingOfLists]
        if request.hasCopy(tagged: edition.tag) { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = "application/statuslist+jwt"
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: edition.text)))
    }
}
