import { Component, type ComponentType, h } from 'preact';

/** A component that is drawn again only when one of its properties is another, or the language is. */
export function memo<Props extends object>(Shown: ComponentType<Props>): ComponentType<Props> {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      const names = Object.keys(next) as (keyof Props)[];
      return names.some((name) => next[name] !== (this.props as Props)[name]);
    }

    override render() {
      return h(Shown, this.props as Props);
    }
  };
}
