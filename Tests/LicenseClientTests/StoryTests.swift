import TestSupport
import Testing

@testable import LicenseClient

/// Any sequence of answers, outages and waits, beside a model that knows only the rules.
@Suite("Whatever happens")
struct StoryTests {
    /// What the rules say is known.
    private struct Model {
        var tokenEnds: Int64?
        var ended = false
    }

    private enum Event: CaseIterable { case valid, dead, garbage, refused, ended, wait }

    @Test(
        "a token works until its end unless one of four verdicts came, and no check is made before its time",
        arguments: SeededGenerator.seeds)
    func story(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let site = try Site()
        var model = Model()
        for step in 0..<150 {
            let event = generator.pick(Event.allCases)
            site.clock.now += Int64(generator.number(0...3 * 86_400))
            let client = site.client(seed: seed &+ UInt64(step))
            script(event, at: site.clock.now, site.service)
            let before = client.status()
            let hadToken = before.license != nil
            let outcome = event == .wait ? RefreshOutcome.notDue : await client.refreshIfDue()
            let asked = site.service.takePaths().contains("validate")
            if asked, hadToken { #expect(site.clock.now >= before.nextCheckAt, "step \(step)") }
            if asked { follow(event, outcome, at: site.clock.now, &model) }
            let status = site.client().status()
            let holds = !model.ended && model.tokenEnds.map { site.clock.now < $0 } == true
            #expect((status.license != nil) == holds, "step \(step) after \(event): \(status)")
            #expect((status.state == .ended) == model.ended, "step \(step) after \(event): \(status)")
            if holds { #expect(status.isUsable && status.usableUntil == model.tokenEnds) }
        }
    }

    private func script(_ event: Event, at now: Int64, _ service: ScriptedService) {
        switch event {
        case .valid, .wait:
            service.answers(ScriptedService.valid { try Fixtures.token(Fixtures.claims(issuedAt: now, nonce: $0)) })
        case .dead: service.answers(ScriptedService.dead)
        case .garbage: service.answers(ScriptedService.raw(200, "{"))
        case .refused: service.answers(ScriptedService.refusal("ACTIVATION_LIMIT"))
        case .ended: service.answers(ScriptedService.refusal("REVOKED"))
        }
    }

    private func follow(_ event: Event, _ outcome: RefreshOutcome, at now: Int64, _ model: inout Model) {
        switch event {
        case .valid:
            #expect(outcome == .updated)
            model = Model(tokenEnds: now + 14 * Fixtures.day)
        case .ended:
            #expect(outcome == .ended)
            model = Model(ended: true)
        case .refused: #expect(outcome == .refused)
        case .dead, .garbage: #expect(outcome == .failed)
        case .wait: Issue.record("asked while waiting")
        }
    }
}
