/// One check's exchanges with the servers, all before one deadline.
struct Conversation: Sendable {
    let transport: any LicenseTransport
    /// Base addresses, in order.
    let servers: [String]
    let deadline: Deadline

    /// An answer and who gave it.
    struct Reply: Sendable {
        let answer: ValidateAnswer
        let server: String
    }

    /// The first readable answer to this very question under status 200. Each server gets an equal share of the time
    /// that is left when its turn comes, so that one that is silent does not use up that of the others.
    func ask(_ question: ValidateQuestion) async -> Result<Reply, CheckFailure> {
        let body = question.json
        var failure = CheckFailure(reason: "no server is set")
        for (index, server) in servers.enumerated() {
            let request = TransportRequest(
                url: Self.url(server, "/api/v1/installer/validate"), body: body,
                answerBytesMax: CheckLimits.answerBytesMax)
            switch await send(request, within: deadline.remaining / (servers.count - index)) {
            case .success(let bytes):
                switch Self.answer(in: bytes, to: question) {
                case .success(let answer): return .success(Reply(answer: answer, server: server))
                case .failure(let reason): failure = reason
                }
            case .failure(let reason): failure = reason
            }
        }
        return .failure(failure)
    }

    private static func answer(
        in bytes: [UInt8], to question: ValidateQuestion
    ) -> Result<ValidateAnswer, CheckFailure> {
        guard let answer = ValidateAnswer(json: bytes) else {
            return .failure(CheckFailure(reason: "the answer is not readable"))
        }
        guard answer.nonce == question.nonce else {
            return .failure(CheckFailure(reason: "this is the answer to another question"))
        }
        return .success(answer)
    }

    /// The text that `server` publishes under `name`.
    func fetch(_ name: String, from server: String, bytesMax: Int) async -> Result<String, CheckFailure> {
        let request = TransportRequest(
            url: Self.url(server, "/api/v1/installer/\(name)"), body: nil, answerBytesMax: bytesMax)
        return await send(request, within: deadline.remaining).flatMap { bytes in
            String(validating: bytes, as: UTF8.self).map { .success($0) }
                ?? .failure(CheckFailure(reason: "the answer is not readable"))
        }
    }

    /// The body of an answer with status 200.
    private func send(_ request: TransportRequest, within limit: Duration) async -> Result<[UInt8], CheckFailure> {
        guard limit > .zero else { return .failure(CheckFailure(reason: TransportFailure.timedOut.reason)) }
        let answer: TransportAnswer
        do {
            answer = try await Deadline.first(within: limit) { try await transport.send(request, within: limit) }
        } catch let failure as TransportFailure {
            return .failure(CheckFailure(reason: failure.reason))
        } catch {
            return .failure(CheckFailure(reason: "the request failed: \(type(of: error))"))
        }
        guard answer.status == 200 else {
            return .failure(CheckFailure(reason: "the service answers \(answer.status)", status: answer.status))
        }
        guard answer.body.count <= request.answerBytesMax else {
            return .failure(CheckFailure(reason: "the service answers too much"))
        }
        return .success(answer.body)
    }

    private static func url(_ server: String, _ path: String) -> String {
        String(server.reversed().drop { $0 == "/" }.reversed()) + path
    }
}
