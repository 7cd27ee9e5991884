//! One run: both servers, the same requests, and what is said when they differ.

use end_to_end::Engine;

use crate::requests::{Request, Requests};
use crate::world::Side;

/// What is done to both servers, or behind one of them.
#[derive(Debug, Clone)]
enum Step {
    /// Both are asked.
    Ask(usize, Request),
    /// What is seen is tied to what is not.
    Entangle,
    /// The hidden part of one side changes.
    Stir(usize),
}

/// Both servers.
struct Pair {
    sides: [Side; 2],
    /// The ids that are hidden at first, which requests name.
    hidden: [[Vec<String>; 2]; 2],
}

/// What differed.
struct Difference {
    request: Request,
    said: [String; 2],
}

impl Pair {
    fn new(engine: &Engine, seed: u64) -> Self {
        let options = Requests::options(seed);
        let sides = [
            Side::new(engine, 'a', seed * 2, &options),
            Side::new(engine, 'b', seed * 2 + 1, &options),
        ];
        let hidden = [sides[0].hidden.clone(), sides[1].hidden.clone()];
        Self { sides, hidden }
    }

    /// Does a step, and lets `requests` learn from what was answered.
    fn step(&mut self, step: &Step, requests: Option<&mut Requests>) -> Option<Difference> {
        match step {
            Step::Entangle => self.sides.iter_mut().for_each(Side::entangle),
            Step::Stir(side) => self.sides[*side].stir(),
            Step::Ask(number, request) => {
                let [one, other] = &mut self.sides;
                let (one_said, answer) = one.ask(*number, request, &self.hidden);
                let (other_said, _) = other.ask(*number, request, &self.hidden);
                if one_said != other_said {
                    let (request, said) = (request.clone(), [one_said, other_said]);
                    return Some(Difference { request, said });
                }
                if let Some(requests) = requests {
                    requests.learn(*number, request, &answer, &one.told);
                }
            }
        }
        None
    }
}

/// Sends so many random requests to a pair of new servers.
pub(crate) fn round(engine: &Engine, seed: u64, count: usize) {
    let mut pair = Pair::new(engine, seed);
    let count_of = |side: &[Vec<String>; 2]| [side[0].len(), side[1].len()];
    let mut requests = Requests::new(seed, [count_of(&pair.hidden[0]), count_of(&pair.hidden[1])]);
    let mut steps: Vec<Step> = Vec::new();
    let first = requests.first();
    let mut number = 0;
    let mut accepted = 0;
    while number < count {
        let mut next = Vec::new();
        match first.get(number) {
            Some(request) => next.push(Step::Ask(number, request.clone())),
            None => {
                if number == first.len() {
                    next.push(Step::Entangle);
                }
                next.extend(requests.stirred().map(Step::Stir));
                next.push(Step::Ask(number, requests.next()));
            }
        }
        number += 1;
        for step in next {
            steps.push(step.clone());
            if let Some(difference) = pair.step(&step, Some(&mut requests)) {
                drop(pair);
                let shown = shortest(engine, seed, steps, difference);
                panic!("seed {seed}, request {}: {shown}", number - 1);
            }
            accepted += usize::from(matches!(step, Step::Ask(..)));
        }
    }
    assert_eq!(accepted, count);
}

/// Leaves out what the difference does not need, as far as a few runs show it.
fn shortest(engine: &Engine, seed: u64, mut steps: Vec<Step>, found: Difference) -> String {
    let mut shown = found;
    let mut runs = crate::number("SERVICEOPS_SCIM_TEST_SHORTEN", 16);
    let mut piece = steps.len() / 2;
    while piece > 0 && runs > 0 {
        let mut at = 0;
        while at + piece < steps.len() && runs > 0 {
            let mut fewer = steps.clone();
            fewer.drain(at..at + piece);
            runs -= 1;
            match replay(engine, seed, &fewer) {
                Some((taken, difference)) => {
                    fewer.truncate(taken);
                    (steps, shown) = (fewer, difference);
                }
                None => at += piece,
            }
        }
        piece /= 2;
    }
    let mut text = String::from("the two servers can be told apart.\n");
    for step in &steps {
        let line = format!("{step:?}");
        text += &line.chars().take(2_000).collect::<String>();
        text.push('\n');
    }
    let Difference { request, said } = shown;
    let [one, other] = said;
    format!(
        "{text}\n{} {}\n--- one\n{one}\n--- the other\n{other}",
        request.method, request.path
    )
}

/// Does these steps with new servers; answers how many it took until they differed, and in what.
fn replay(engine: &Engine, seed: u64, steps: &[Step]) -> Option<(usize, Difference)> {
    let mut pair = Pair::new(engine, seed);
    steps
        .iter()
        .enumerate()
        .find_map(|(at, step)| Some((at + 1, pair.step(step, None)?)))
}
