import Primitives

/// One number that is watched, or one for each value of a label, at one moment.
package struct MetricFamily: Sendable {
    /// How a monitor reads it.
    package enum Kind: String, Sendable {
        /// Only grows, from 0 at the start.
        case counter
        case gauge
    }

    /// A value and the label that tells it from its neighbors.
    struct Sample: Sendable {
        var label: (name: String, value: String)?
        /// As Prometheus reads it.
        let text: String
    }

    let name: String
    let kind: Kind
    /// One sentence.
    let help: String
    let samples: [Sample]

    init(_ name: String, _ kind: Kind, _ help: String, samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    package init(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
        self.init(name, kind, help, samples: [Sample(text: String(value))])
    }

    /// Seconds with their fraction.
    package init(_ name: String, _ kind: Kind, _ help: String, seconds: Duration) {
        let milliseconds = seconds.wholeMilliseconds
        let fraction = String(1000 + milliseconds % 1000).dropFirst()
        self.init(name, kind, help, samples: [Sample(text: "\(milliseconds / 1000).\(fraction)")])
    }

    /// A value for each of a fixed set of labels.
    package init(_ name: String, _ kind: Kind, _ help: String, by label: String, _ values: [(String, Int)]) {
        let samples = values.map { Sample(label: (label, $0.0), text: String($0.1)) }
        self.init(name, kind, help, samples: samples)
    }
}

extension [MetricFamily] {
    /// Prometheus's text format 0.0.4. Names, labels and help are ours and hold nothing that needs an escape.
    var prometheusText: String {
        map { family in
            let head = "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.kind.rawValue)\n"
            return head
                + family.samples.map { sample in
                    let label = sample.label.map { "{\($0.name)=\"\($0.value)\"}" } ?? ""
                    return "\(family.name)\(label) \(sample.text)\n"
                }.joined()
        }.joined()
    }
}
