import HummingbirdCore
import Licensing
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// One accepted connection: HTTP/1.1 with our limits instead of the libraries' (DESIGN D5).
struct SignetHTTPChannel: ServerChildChannel, HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    /// Whose connections these are.
    enum Admission: Sendable {
        /// Anyone's, as many as the census allows each client.
        case clients(ConnectionCensus)
        /// Operators' on the Unix socket.
        case operators
    }

    let responder: Responder
    let limits: ConnectionLimits
    let admission: Admission

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        admit(channel).flatMapThrowing {
            try addHandlers(to: channel, logger: logger)
        }.flatMapErrorThrowing { error in
            // NIO drops a channel whose set-up failed, but leaves its socket open.
            channel.close(promise: nil)
            throw error
        }
    }

    func handle(value: Value, logger: Logger) async { await handleHTTP(asyncChannel: value, logger: logger) }

    /// Succeeds when the connection may stay.
    private func admit(_ channel: any Channel) -> EventLoopFuture<Void> {
        switch admission {
        case .clients(let census): channel.eventLoop.makeCompletedFuture { try admit(channel, census) }
        case .operators:
            PeerCredentials.of(channel).flatMapThrowing { credentials in
                guard credentials.isTrusted else { throw NotAdmitted() }
                try channel.pipeline.syncOperations.addHandler(PeerCredentialsHandler(credentials))
            }
        }
    }

    private func admit(_ channel: any Channel, _ census: ConnectionCensus) throws {
        guard let client = channel.remoteAddress.flatMap(CanonicalAddress.init(socketAddress:)),
            census.admit(client)
        else { throw NotAdmitted() }
        channel.closeFuture.whenComplete { _ in census.leave(client) }
    }

    private struct NotAdmitted: Error {}

    private func addHandlers(to channel: any Channel, logger: Logger) throws -> Value {
        let watch = ConnectionWatch(limits: limits)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(ByteWatchHandler(watch))
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: false,  // NIOAsyncChannel hands over one request after another
            withErrorHandling: false,  // handleHTTP answers 400 and closes
            withOutboundHeaderValidation: false,  // swift-http-types validates
            withEncoderConfiguration: .init(),
            withDecoderLimitConfiguration: decoderLimits)
        try pipeline.addHandler(RequestGuardHandler(limits: limits))
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
        try pipeline.addHandler(MessageWatchHandler(watch))
        try pipeline.addHandler(HTTPConnectionStateHandler(logger: logger))
        return try NIOAsyncChannel(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }

    private var decoderLimits: NIOHTTPDecoderLimitConfiguration {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = limits.requestLineBytesMax
        configuration.maxHeaderListSize = limits.headerListBytesMax
        configuration.maxHeaderFieldCount = limits.headerFieldsMax
        return configuration
    }
}
